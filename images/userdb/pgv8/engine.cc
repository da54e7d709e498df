#include "engine.h"

#include <libplatform/libplatform.h>
#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace pgv8 {
namespace {

// Never freed: a session ends by exit(), which must not take V8 apart while it is in use.
v8::Isolate* engine = nullptr;
bool out_of_heap = false;

// JavaScript may go this deep below where it was entered. PostgreSQL keeps to its own
// max_stack_depth, 2 MB, and a process usually has 8.
constexpr size_t kStackBytes = 800 * 1024;
// What is left for JavaScript to end in after it was told to.
constexpr size_t kReserveBytes = 16 * 1024 * 1024;

// Buffers are outside V8's heap, so they are counted here, against the same limit.
class CountingAllocator : public v8::ArrayBuffer::Allocator {
 public:
  void* Allocate(size_t length) override { return granted(length) ? taken(std::calloc(length, 1), length) : nullptr; }
  void* AllocateUninitialized(size_t length) override { return Allocate(length); }
  void Free(void* data, size_t length) override {
    std::free(data);
    used_ -= length;
  }

 private:
  bool granted(size_t length) const {
    size_t limit = static_cast<size_t>(bridge_heap_megabytes) << 20;
    return used_ <= limit && length <= limit - used_;
  }
  void* taken(void* data, size_t length) {
    if (data != nullptr) used_ += length;
    return data;
  }
  size_t used_ = 0;
};

size_t near_heap_limit(void*, size_t current, size_t) {
  out_of_heap = true;
  engine->TerminateExecution();
  return current + kReserveBytes;
}

// One object larger than all that is left: V8 cannot go on. It must not abort, since PostgreSQL
// takes that for damaged memory and ends every session.
void no_memory(const char*, bool) { bridge_die("JavaScript asked for more memory than pgv8.heap_mb"); }

void broken(const char* where, const char* message) {
  (void)where;
  bridge_die(message);
}

// A thread of its own looks whether PostgreSQL wants to cancel, since JavaScript in a loop never
// asks. It touches nothing of PostgreSQL but the flags that signal handlers set.
// Never freed either: at exit() the thread still waits, and would be waited for.
std::mutex& mutex = *new std::mutex();
std::condition_variable& changed = *new std::condition_variable();
int depth = 0;

void watch() {
  std::unique_lock<std::mutex> lock(mutex);
  for (;;) {
    if (depth == 0) {
      changed.wait(lock);
    } else {
      changed.wait_for(lock, std::chrono::milliseconds(20));
      if (depth > 0 && bridge_interrupted()) engine->TerminateExecution();
    }
  }
}

void start_watch() {
  // Signals are for PostgreSQL's thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  std::thread(watch).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void start() {
  // No WebAssembly: its memory would be outside all limits.
  v8::V8::SetFlagsFromString("--single-threaded --no-expose-wasm");
  static v8::Platform* platform = v8::platform::NewSingleThreadedDefaultPlatform().release();
  v8::V8::InitializePlatform(platform);
  v8::V8::Initialize();
  v8::Isolate::CreateParams params;
  params.array_buffer_allocator = new CountingAllocator();
  params.constraints.ConfigureDefaultsFromHeapSize(0, static_cast<size_t>(bridge_heap_megabytes) << 20);
  // Atomics.wait() sleeps where no termination can wake it.
  params.allow_atomics_wait = false;
  params.oom_error_callback = no_memory;
  params.fatal_error_callback = broken;
  engine = v8::Isolate::New(params);
  engine->Enter();
  engine->AddNearHeapLimitCallback(near_heap_limit, nullptr);
  engine->AutomaticallyRestoreInitialHeapLimit();
  start_watch();
}

}  // namespace

v8::Isolate* isolate() {
  if (engine == nullptr) start();
  return engine;
}

bool take_out_of_heap() {
  bool was = out_of_heap;
  out_of_heap = false;
  return was;
}

Running::Running() {
  // From here, not from where V8 was started: a call may come from far down.
  char here;
  engine->SetStackLimit(reinterpret_cast<uintptr_t>(&here) - kStackBytes);
  std::lock_guard<std::mutex> lock(mutex);
  depth++;
  changed.notify_one();
}

Running::~Running() {
  std::lock_guard<std::mutex> lock(mutex);
  if (--depth > 0) return;
  // A stop that came too late must not meet the next call.
  engine->CancelTerminateExecution();
  out_of_heap = false;
}

}  // namespace pgv8
