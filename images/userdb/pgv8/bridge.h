/*
 * What crosses between PostgreSQL, which is C, and V8, which is C++.
 *
 * An error of PostgreSQL is a long jump. V8's handle scopes are C++ objects that must be left one
 * by one, so no jump may go across them. That is why the two worlds share nothing but this file:
 *
 * - the .c files include PostgreSQL only; a jump there passes nothing but C.
 * - the .cc files include V8 only. What they call here never jumps, and what they find wrong they
 *   hand back in an Outcome; it is raised when every scope is closed.
 */
#ifndef PGV8_BRIDGE_H
#define PGV8_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum Kind {
	KIND_NULL,
	KIND_BOOLEAN,
	KIND_NUMBER,
	KIND_WHOLE, /* an integer; a BigInt where a double could not hold it */
	KIND_TEXT,
	KIND_DATE, /* from JavaScript only, as text */
	KIND_JSON, /* text that is JSON */
	KIND_LIST,
	KIND_OBJECT,
} Kind;

/* One value. From JavaScript every kind but KIND_NULL comes as text, and kind says what it was. */
typedef struct Value {
	Kind kind;
	double number;
	int64_t whole;
	const char *text;
	/* Of a list and an object; names only of an object. */
	size_t count;
	const char **names;
	struct Value *items;
} Value;

/* How a value from JavaScript is written, so that the type's input function reads it. */
typedef enum Form {
	FORM_TEXT,
	FORM_JSON,
	FORM_LIST,         /* {"a","b"} */
	FORM_LIST_OF_JSON, /* the same, its elements JSON */
} Form;

typedef struct Column {
	const char *name; /* NULL for one that was dropped */
	Form form;
} Column;

/* One call of one function, or only its compilation. */
typedef struct Call {
	const char *name;
	const char *source;
	int parameter_count;
	const char **parameters;
	const Value *arguments;
	/* Each role has global objects of its own. */
	uint32_t role;
	/* 0: compiled for this once. The version is another one after CREATE OR REPLACE. */
	uint32_t function;
	uint64_t version[2];
	/* What comes back: a row is an object with these columns, else there is one column. */
	bool row;
	bool set;
	bool nothing;
	int column_count;
	const Column *columns;
} Call;

typedef enum Status {
	STATUS_DONE,
	STATUS_THROWN,
	STATUS_STOPPED, /* because PostgreSQL wants to cancel */
	STATUS_OUT_OF_MEMORY,
} Status;

typedef struct Outcome {
	Status status;
	const char *message;
	const char *detail; /* the stack; "" when there is none */
	bool undefined;
	/* row_count times column_count values. A null in place of a row: all its values are null. */
	size_t row_count;
	Value *cells;
} Outcome;

/* Answer to one statement that JavaScript sent. */
typedef struct Answer {
	const char *error;    /* NULL: it worked */
	const char *sqlstate; /* of the error */
	bool stop;            /* the error is a cancellation, which nobody may catch */
	bool has_rows;
	size_t row_count;
	int column_count;
	const char **columns;
	Value *cells;
	void *memory; /* what holds all of this, until release_answer() */
} Answer;

/* In C++, for C. Neither jumps; strings live as long as the current memory context. */
void javascript_call(const Call *call, Outcome *outcome);
void javascript_compile(const Call *call, Outcome *outcome);
const char *javascript_version(void);

/* In C, for C++. None of them jumps. */
void *bridge_allocate(size_t size); /* zeroed; NULL when there is no more */
bool bridge_interrupted(void);      /* for any thread: is PostgreSQL waiting to cancel? */
bool bridge_notice(const char *level, const char *message);
void bridge_query(const char *sql, int count, const Value *parameters, Answer *answer);
void bridge_release(Answer *answer);
void bridge_die(const char *message) __attribute__((noreturn)); /* ends this session only */
extern int bridge_heap_megabytes;

#ifdef __cplusplus
}
#endif

#endif
