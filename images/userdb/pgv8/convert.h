// Values of JavaScript from and to those of the bridge.
#ifndef PGV8_CONVERT_H
#define PGV8_CONVERT_H

#include <v8.h>

#include "bridge.h"

namespace pgv8 {

// Each is empty, or false, when JavaScript has an exception pending that says why.
v8::MaybeLocal<v8::String> text_to_js(v8::Isolate* isolate, const char* text);
v8::MaybeLocal<v8::Value> to_js(v8::Local<v8::Context> context, const Value& value);
bool from_js(v8::Local<v8::Context> context, v8::Local<v8::Value> value, Form form, Value* out);

// A copy that PostgreSQL owns, nullptr when there is no memory for it.
const char* keep(const char* text, size_t length);

// Makes *message* the pending exception.
void throw_error(v8::Isolate* isolate, const char* message);

}  // namespace pgv8

#endif
