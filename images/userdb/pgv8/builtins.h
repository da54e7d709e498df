// What JavaScript finds in the global object "pgv8".
#ifndef PGV8_BUILTINS_H
#define PGV8_BUILTINS_H

#include <v8.h>

namespace pgv8 {

// Template of a role's global object.
v8::Local<v8::ObjectTemplate> globals(v8::Isolate* isolate);

}  // namespace pgv8

#endif
