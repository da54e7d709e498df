#include "builtins.h"

#include <string>

#include "bridge.h"
#include "convert.h"

namespace pgv8 {
namespace {

using v8::Local;
using Info = v8::FunctionCallbackInfo<v8::Value>;

// Lets go of an answer however the function is left. There is no jump on this side.
struct Held {
  Answer answer = {};
  ~Held() { bridge_release(&answer); }
};

bool text_argument(const Info& info, int index, std::string* out) {
  v8::Isolate* isolate = info.GetIsolate();
  Local<v8::String> text;
  if (!info[index]->ToString(isolate->GetCurrentContext()).ToLocal(&text)) return false;
  v8::String::Utf8Value bytes(isolate, text);
  *out = *bytes == nullptr ? "" : *bytes;
  return true;
}

// The second argument: a list of parameters, in memory of PostgreSQL.
bool parameters(const Info& info, Value** out, int* count) {
  Local<v8::Context> context = info.GetIsolate()->GetCurrentContext();
  *count = 0;
  *out = nullptr;
  if (info[1]->IsNullOrUndefined()) return true;
  if (!info[1]->IsArray()) {
    throw_error(info.GetIsolate(), "the parameters of pgv8.execute() must be an array");
    return false;
  }
  Local<v8::Array> list = Local<v8::Array>::Cast(info[1]);
  *out = static_cast<Value*>(bridge_allocate(sizeof(Value) * (list->Length() + 1)));
  if (*out == nullptr) {
    throw_error(info.GetIsolate(), "no memory for the parameters");
    return false;
  }
  *count = static_cast<int>(list->Length());
  for (uint32_t i = 0; i < list->Length(); i++) {
    Local<v8::Value> item;
    if (!list->Get(context, i).ToLocal(&item)) return false;
    if (!from_js(context, item, FORM_TEXT, *out + i)) return false;
  }
  return true;
}

bool row(Local<v8::Context> context, const Answer& answer, size_t index, Local<v8::Value>* out) {
  Value value = {};
  value.kind = KIND_OBJECT;
  value.count = static_cast<size_t>(answer.column_count);
  value.names = answer.columns;
  value.items = answer.cells + index * value.count;
  return to_js(context, value).ToLocal(out);
}

void give_rows(const Info& info, const Answer& answer) {
  Local<v8::Context> context = info.GetIsolate()->GetCurrentContext();
  Local<v8::Array> rows = v8::Array::New(info.GetIsolate(), static_cast<int>(answer.row_count));
  for (size_t i = 0; i < answer.row_count; i++) {
    v8::HandleScope scope(info.GetIsolate());
    Local<v8::Value> one;
    if (!row(context, answer, i, &one)) return;
    if (rows->CreateDataProperty(context, static_cast<uint32_t>(i), one).IsNothing()) return;
  }
  info.GetReturnValue().Set(rows);
}

// The error as an Error of JavaScript, its SQLSTATE a property of it.
void throw_answer(v8::Isolate* isolate, const Answer& answer) {
  Local<v8::Context> context = isolate->GetCurrentContext();
  Local<v8::String> message, name, state;
  if (!text_to_js(isolate, answer.error).ToLocal(&message)) return;
  if (!text_to_js(isolate, "sqlstate").ToLocal(&name)) return;
  if (!text_to_js(isolate, answer.sqlstate).ToLocal(&state)) return;
  Local<v8::Value> error = v8::Exception::Error(message);
  if (Local<v8::Object>::Cast(error)->CreateDataProperty(context, name, state).IsNothing()) return;
  isolate->ThrowException(error);
}

// Ends JavaScript now. A request alone is seen only where JavaScript enters a function or has
// looped for long, and the next turn of a loop may be another statement; so one is entered.
void stop(v8::Isolate* isolate) {
  Local<v8::Context> context = isolate->GetCurrentContext();
  Local<v8::String> nothing = v8::String::NewFromUtf8Literal(isolate, "0");
  Local<v8::Script> script;
  Local<v8::Value> value;
  if (!v8::Script::Compile(context, nothing).ToLocal(&script)) return;
  isolate->TerminateExecution();
  // Empty, with the termination on its way.
  if (!script->Run(context).ToLocal(&value)) return;
}

// pgv8.execute(sql, [parameters]): a list of rows, or how many rows a statement without any touched.
// It is a subtransaction of its own: an error that is caught has undone it.
void execute(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::HandleScope scope(isolate);
  std::string sql;
  Value* values;
  int count;
  if (!text_argument(info, 0, &sql) || !parameters(info, &values, &count)) return;
  Held held;
  bridge_query(sql.c_str(), count, values, &held.answer);
  if (held.answer.stop) {
    stop(isolate);
  } else if (held.answer.error != nullptr) {
    throw_answer(isolate, held.answer);
  } else if (held.answer.has_rows) {
    give_rows(info, held.answer);
  } else {
    info.GetReturnValue().Set(static_cast<double>(held.answer.row_count));
  }
}

// pgv8.elog(level, message): "debug", "log", "info", "notice" or "warning".
void elog(const Info& info) {
  v8::HandleScope scope(info.GetIsolate());
  std::string level, message;
  if (!text_argument(info, 0, &level) || !text_argument(info, 1, &message)) return;
  if (!bridge_notice(level.c_str(), message.c_str())) {
    throw_error(info.GetIsolate(), "pgv8.elog() knows debug, log, info, notice and warning");
  }
}

}  // namespace

Local<v8::ObjectTemplate> globals(v8::Isolate* isolate) {
  Local<v8::ObjectTemplate> pgv8 = v8::ObjectTemplate::New(isolate);
  pgv8->Set(isolate, "execute", v8::FunctionTemplate::New(isolate, execute));
  pgv8->Set(isolate, "elog", v8::FunctionTemplate::New(isolate, elog));
  pgv8->Set(isolate, "version", v8::String::NewFromUtf8(isolate, v8::V8::GetVersion()).ToLocalChecked());
  Local<v8::ObjectTemplate> all = v8::ObjectTemplate::New(isolate);
  all->Set(isolate, "pgv8", pgv8);
  return all;
}

}  // namespace pgv8
