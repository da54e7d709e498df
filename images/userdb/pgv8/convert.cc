#include "convert.h"

#include <cmath>
#include <cstring>
#include <string>

namespace pgv8 {
namespace {

using v8::Local;
using v8::MaybeLocal;

// PostgreSQL's arrays have at most six dimensions. It also ends lists that hold themselves.
constexpr int kDimensions = 6;
constexpr int64_t kExact = int64_t{1} << 53;

MaybeLocal<v8::Value> list_to_js(Local<v8::Context> context, const Value& value) {
  v8::Isolate* isolate = context->GetIsolate();
  Local<v8::Array> list = v8::Array::New(isolate, static_cast<int>(value.count));
  for (size_t i = 0; i < value.count; i++) {
    Local<v8::Value> item;
    if (!to_js(context, value.items[i]).ToLocal(&item)) return {};
    if (list->CreateDataProperty(context, static_cast<uint32_t>(i), item).IsNothing()) return {};
  }
  return list;
}

MaybeLocal<v8::Value> object_to_js(Local<v8::Context> context, const Value& value) {
  v8::Isolate* isolate = context->GetIsolate();
  Local<v8::Object> object = v8::Object::New(isolate);
  for (size_t i = 0; i < value.count; i++) {
    Local<v8::String> name;
    Local<v8::Value> item;
    if (!text_to_js(isolate, value.names[i]).ToLocal(&name)) return {};
    if (!to_js(context, value.items[i]).ToLocal(&item)) return {};
    if (object->CreateDataProperty(context, name, item).IsNothing()) return {};
  }
  return object;
}

MaybeLocal<v8::Value> whole_to_js(v8::Isolate* isolate, int64_t whole) {
  if (whole >= -kExact && whole <= kExact) return v8::Number::New(isolate, static_cast<double>(whole));
  return v8::BigInt::New(isolate, whole);
}

bool utf8(Local<v8::Context> context, Local<v8::Value> value, std::string* out) {
  v8::Isolate* isolate = context->GetIsolate();
  Local<v8::String> text;
  if (!value->ToString(context).ToLocal(&text)) return false;
  v8::String::Utf8Value bytes(isolate, text);
  out->assign(*bytes == nullptr ? "" : *bytes, static_cast<size_t>(bytes.length()));
  if (out->find('\0') == std::string::npos) return true;
  throw_error(isolate, "a text for the database has a NUL character in it");
  return false;
}

bool json(Local<v8::Context> context, Local<v8::Value> value, std::string* out) {
  Local<v8::String> text;
  if (!v8::JSON::Stringify(context, value).ToLocal(&text)) return false;
  return utf8(context, text, out);
}

// The date as JSON has it, without the quotes.
bool date(Local<v8::Context> context, Local<v8::Value> value, std::string* out) {
  if (std::isnan(Local<v8::Date>::Cast(value)->ValueOf())) {
    throw_error(context->GetIsolate(), "a date for the database is not a date");
    return false;
  }
  if (!json(context, value, out)) return false;
  if (out->size() > 2 && out->front() == '"') *out = out->substr(1, out->size() - 2);
  return true;
}

Kind kind_of(Local<v8::Value> value, Form form) {
  if (form == FORM_JSON) return KIND_JSON;
  if (value->IsBoolean()) return KIND_BOOLEAN;
  if (value->IsBigInt()) return KIND_WHOLE;
  if (value->IsDate()) return KIND_DATE;
  if (value->IsObject()) return KIND_JSON;
  if (!value->IsNumber()) return KIND_TEXT;
  double number = Local<v8::Number>::Cast(value)->Value();
  bool whole = number == std::trunc(number) && std::fabs(number) <= static_cast<double>(kExact);
  return whole ? KIND_WHOLE : KIND_NUMBER;
}

bool scalar(Local<v8::Context> context, Local<v8::Value> value, Form form, std::string* out) {
  Kind kind = kind_of(value, form);
  // An integer without an exponent, which integer types do not read.
  if (kind == KIND_WHOLE && value->IsNumber()) {
    *out = std::to_string(static_cast<int64_t>(Local<v8::Number>::Cast(value)->Value()));
    return true;
  }
  if (kind == KIND_JSON) return json(context, value, out);
  if (kind == KIND_DATE) return date(context, value, out);
  return utf8(context, value, out);
}

void append_quoted(const std::string& text, std::string* out) {
  *out += '"';
  for (char one : text) {
    if (one == '"' || one == '\\') *out += '\\';
    *out += one;
  }
  *out += '"';
}

bool append_list(Local<v8::Context> context, Local<v8::Array> list, Form element, int depth, std::string* out) {
  if (depth > kDimensions) {
    throw_error(context->GetIsolate(), "an array for the database has more than six dimensions");
    return false;
  }
  *out += '{';
  for (uint32_t i = 0; i < list->Length(); i++) {
    Local<v8::Value> item;
    std::string text;
    if (i > 0) *out += ',';
    if (!list->Get(context, i).ToLocal(&item)) return false;
    if (item->IsNullOrUndefined()) {
      *out += "NULL";
    } else if (item->IsArray() && element != FORM_JSON) {
      if (!append_list(context, Local<v8::Array>::Cast(item), element, depth + 1, out)) return false;
    } else {
      if (!scalar(context, item, element, &text)) return false;
      append_quoted(text, out);
    }
  }
  *out += '}';
  return true;
}

bool written(Local<v8::Context> context, Local<v8::Value> value, Form form, std::string* out) {
  if (form != FORM_LIST && form != FORM_LIST_OF_JSON) return scalar(context, value, form, out);
  if (!value->IsArray()) return scalar(context, value, FORM_TEXT, out);
  Form element = form == FORM_LIST_OF_JSON ? FORM_JSON : FORM_TEXT;
  return append_list(context, Local<v8::Array>::Cast(value), element, 1, out);
}

}  // namespace

void throw_error(v8::Isolate* isolate, const char* message) {
  Local<v8::String> text;
  // Only a message of hundreds of megabytes does not fit.
  if (!v8::String::NewFromUtf8(isolate, message).ToLocal(&text)) text = v8::String::Empty(isolate);
  isolate->ThrowException(v8::Exception::Error(text));
}

MaybeLocal<v8::String> text_to_js(v8::Isolate* isolate, const char* text) {
  Local<v8::String> made;
  if (v8::String::NewFromUtf8(isolate, text).ToLocal(&made)) return made;
  throw_error(isolate, "a text of the database is too long for JavaScript");
  return {};
}

MaybeLocal<v8::Value> to_js(Local<v8::Context> context, const Value& value) {
  v8::Isolate* isolate = context->GetIsolate();
  Local<v8::String> text;
  switch (value.kind) {
    case KIND_NULL:
      return v8::Null(isolate);
    case KIND_BOOLEAN:
      return v8::Boolean::New(isolate, value.number != 0);
    case KIND_NUMBER:
      return v8::Number::New(isolate, value.number);
    case KIND_WHOLE:
      return whole_to_js(isolate, value.whole);
    case KIND_LIST:
      return list_to_js(context, value);
    case KIND_OBJECT:
      return object_to_js(context, value);
    case KIND_TEXT:
    case KIND_DATE:
    case KIND_JSON:
      break;
  }
  if (!text_to_js(isolate, value.text).ToLocal(&text)) return {};
  if (value.kind == KIND_JSON) return v8::JSON::Parse(context, text);
  return text;
}

bool from_js(Local<v8::Context> context, Local<v8::Value> value, Form form, Value* out) {
  *out = Value{};
  if (value->IsNullOrUndefined()) return true;
  std::string text;
  if (!written(context, value, form, &text)) return false;
  out->kind = kind_of(value, form);
  out->text = keep(text.data(), text.size());
  if (out->text != nullptr) return true;
  throw_error(context->GetIsolate(), "no memory for a value");
  return false;
}

const char* keep(const char* text, size_t length) {
  char* copy = static_cast<char*>(bridge_allocate(length + 1));
  if (copy != nullptr) std::memcpy(copy, text, length);
  return copy;
}

}  // namespace pgv8
