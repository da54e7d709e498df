// The one V8 isolate of this session, its limits, and who may stop it.
#ifndef PGV8_ENGINE_H
#define PGV8_ENGINE_H

#include <v8.h>

#include "bridge.h"

namespace pgv8 {

// Starts V8 on the first call.
v8::Isolate* isolate();

// Whether the heap grew to its limit since the last call of this function.
bool take_out_of_heap();

// While one of these lives JavaScript may be running, and PostgreSQL can stop it.
class Running {
 public:
  Running();
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
};

}  // namespace pgv8

#endif
