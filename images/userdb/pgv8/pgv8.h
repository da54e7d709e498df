/* What the C files of this language share. All of these may raise an error. */
#ifndef PGV8_H
#define PGV8_H

#include "postgres.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "fmgr.h"

#include "bridge.h"

/* values.c */
extern Value value_from_datum(Datum datum, Oid type);
extern Value value_from_tuple(HeapTuple tuple, TupleDesc description);
extern Datum datum_from_value(const Value *value, Oid type, int32 modifier, bool *isnull);
extern HeapTuple tuple_from_values(const Value *values, TupleDesc description);
extern Form form_of(Oid type);
extern Column *columns_of(TupleDesc description);

/* call.c */
extern Call call_of(HeapTuple procedure);
extern Outcome run_call(const Call *call, HeapTuple procedure);
extern void raise_unless_done(const Outcome *outcome, int sqlstate);
extern void add_parameters(Call *call, HeapTuple procedure);
extern Datum call_function(FunctionCallInfo fcinfo, HeapTuple procedure, MemoryContext outer);

/* trigger.c */
extern void add_trigger_parameters(Call *call);
extern Datum call_trigger(FunctionCallInfo fcinfo, HeapTuple procedure, MemoryContext outer);

/* query.c */
extern bool query_set_read_only(bool read_only); /* gives what was set before; never raises */
extern void query_raise_stop(void);

#endif
