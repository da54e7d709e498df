// One call into JavaScript, from the first scope to the last.
#include <string>
#include <unordered_map>
#include <vector>

#include "bridge.h"
#include "builtins.h"
#include "convert.h"
#include "engine.h"

namespace pgv8 {
namespace {

using v8::Local;

struct Compiled {
  uint64_t version[2];
  v8::Global<v8::Function> function;
};

// Roles do not share globals: one could change what another's functions rely on.
struct Role {
  v8::Global<v8::Context> context;
  std::unordered_map<uint32_t, Compiled> functions;
};

Role& role_of(uint32_t id) {
  static auto* roles = new std::unordered_map<uint32_t, Role>();
  Role& role = (*roles)[id];
  if (role.context.IsEmpty()) {
    v8::HandleScope scope(isolate());
    role.context.Reset(isolate(), v8::Context::New(isolate(), nullptr, globals(isolate())));
  }
  return role;
}

// Parameters are names, not text put before the source: no source can end its function early.
bool compile(Local<v8::Context> context, const Call& call, Local<v8::Function>* out) {
  v8::Isolate* engine = context->GetIsolate();
  Local<v8::String> name, text;
  std::vector<Local<v8::String>> names(static_cast<size_t>(call.parameter_count));
  if (!text_to_js(engine, call.name).ToLocal(&name)) return false;
  if (!text_to_js(engine, call.source).ToLocal(&text)) return false;
  for (size_t i = 0; i < names.size(); i++) {
    if (!text_to_js(engine, call.parameters[i]).ToLocal(&names[i])) return false;
  }
  v8::ScriptOrigin origin(engine, name);
  v8::ScriptCompiler::Source source(text, origin);
  v8::TryCatch trial(engine);
  bool made = v8::ScriptCompiler::CompileFunction(context, &source, names.size(), names.data()).ToLocal(out);
  if (!made && !trial.HasCaught()) throw_error(engine, "a parameter's name is not a name in JavaScript");
  if (!made) trial.ReThrow();
  return made;
}

bool same(const uint64_t* one, const uint64_t* other) { return one[0] == other[0] && one[1] == other[1]; }

bool function_of(Role& role, Local<v8::Context> context, const Call& call, Local<v8::Function>* out) {
  if (call.function == 0) return compile(context, call, out);
  auto found = role.functions.find(call.function);
  if (found != role.functions.end() && same(found->second.version, call.version)) {
    *out = found->second.function.Get(isolate());
    return true;
  }
  if (!compile(context, call, out)) return false;
  Compiled& kept = role.functions[call.function];
  kept.version[0] = call.version[0];
  kept.version[1] = call.version[1];
  kept.function.Reset(isolate(), *out);
  return true;
}

// The values of one row, or the one value where no row is wanted.
bool collect(Local<v8::Context> context, const Call& call, Local<v8::Value> value, Value* cells) {
  if (!call.row) return from_js(context, value, call.columns[0].form, cells);
  if (value->IsNullOrUndefined()) return true;
  if (!value->IsObject()) {
    throw_error(context->GetIsolate(), "an object with the columns of the row is expected");
    return false;
  }
  for (int i = 0; i < call.column_count; i++) {
    Local<v8::String> name;
    Local<v8::Value> field;
    if (call.columns[i].name == nullptr) continue;
    if (!text_to_js(context->GetIsolate(), call.columns[i].name).ToLocal(&name)) return false;
    if (!Local<v8::Object>::Cast(value)->Get(context, name).ToLocal(&field)) return false;
    if (!from_js(context, field, call.columns[i].form, cells + i)) return false;
  }
  return true;
}

bool reserve(Local<v8::Context> context, const Call& call, size_t rows, Outcome* outcome) {
  size_t cells = rows * static_cast<size_t>(call.column_count);
  outcome->cells = static_cast<Value*>(bridge_allocate(sizeof(Value) * (cells + 1)));
  outcome->row_count = rows;
  if (outcome->cells == nullptr) throw_error(context->GetIsolate(), "no memory for the result");
  return outcome->cells != nullptr;
}

bool collect_set(Local<v8::Context> context, const Call& call, Local<v8::Value> value, Outcome* outcome) {
  if (value->IsNullOrUndefined()) return true;
  if (!value->IsArray()) {
    throw_error(context->GetIsolate(), "an array is expected of a function that returns a set");
    return false;
  }
  Local<v8::Array> rows = Local<v8::Array>::Cast(value);
  if (!reserve(context, call, rows->Length(), outcome)) return false;
  for (uint32_t i = 0; i < outcome->row_count; i++) {
    v8::HandleScope scope(context->GetIsolate());
    Local<v8::Value> row;
    if (!rows->Get(context, i).ToLocal(&row)) return false;
    if (!collect(context, call, row, outcome->cells + i * call.column_count)) return false;
  }
  return true;
}

bool invoke(Local<v8::Context> context, const Call& call, Local<v8::Function> function, Outcome* outcome) {
  std::vector<Local<v8::Value>> arguments(static_cast<size_t>(call.parameter_count));
  for (size_t i = 0; i < arguments.size(); i++) {
    if (!to_js(context, call.arguments[i]).ToLocal(&arguments[i])) return false;
  }
  Local<v8::Value> value;
  if (!function->Call(context, context->Global(), call.parameter_count, arguments.data()).ToLocal(&value)) {
    return false;
  }
  outcome->undefined = value->IsUndefined();
  if (call.nothing) return true;
  if (call.set) return collect_set(context, call, value, outcome);
  if (call.row && value->IsNullOrUndefined()) return true;
  return reserve(context, call, 1, outcome) && collect(context, call, value, outcome->cells);
}

const char* kept(Local<v8::Value> value, const char* otherwise) {
  v8::String::Utf8Value text(isolate(), value);
  const char* copy = *text == nullptr ? nullptr : keep(*text, static_cast<size_t>(text.length()));
  return copy == nullptr ? otherwise : copy;
}

void tell(Local<v8::Context> context, const v8::TryCatch& trial, Outcome* outcome) {
  Local<v8::Value> stack;
  outcome->detail = "";
  if (take_out_of_heap()) {
    outcome->status = STATUS_OUT_OF_MEMORY;
    outcome->message = "JavaScript used more memory than pgv8.heap_mb";
  } else if (trial.HasTerminated()) {
    outcome->status = STATUS_STOPPED;
    outcome->message = "JavaScript was stopped";
  } else {
    outcome->status = STATUS_THROWN;
    outcome->message = kept(trial.Exception(), "an exception that has no text");
    if (trial.StackTrace(context).ToLocal(&stack) && stack->IsString()) outcome->detail = kept(stack, "");
  }
  // The stop was for this call; those outside of it see PostgreSQL's error.
  if (trial.HasTerminated()) isolate()->CancelTerminateExecution();
}

enum class Until { kCompiled, kCalled };

void run(const Call& call, Outcome* outcome, Until until) {
  v8::HandleScope scope(isolate());
  Role& role = role_of(call.role);
  Local<v8::Context> context = role.context.Get(isolate());
  v8::Context::Scope entered(context);
  Running running;
  v8::TryCatch trial(isolate());
  Local<v8::Function> function;
  bool done = function_of(role, context, call, &function);
  if (done && until == Until::kCalled) done = invoke(context, call, function, outcome);
  outcome->status = STATUS_DONE;
  if (!done) tell(context, trial, outcome);
}

}  // namespace
}  // namespace pgv8

void javascript_call(const Call* call, Outcome* outcome) { pgv8::run(*call, outcome, pgv8::Until::kCalled); }

void javascript_compile(const Call* call, Outcome* outcome) { pgv8::run(*call, outcome, pgv8::Until::kCompiled); }

const char* javascript_version(void) { return v8::V8::GetVersion(); }
