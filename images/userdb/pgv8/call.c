/* Calls of functions: arguments in, results out. */
#include "pgv8.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

/* The call of this function, without what depends on who calls. */
Call
call_of(HeapTuple procedure)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(procedure);
	ItemPointer place = &procedure->t_self;
	bool isnull;
	Datum source = SysCacheGetAttr(PROCOID, procedure, Anum_pg_proc_prosrc, &isnull);
	Call call = {
		.name = pstrdup(NameStr(form->proname)),
		.source = isnull ? "" : TextDatumGetCString(source),
		.role = GetUserId(),
		.function = form->oid,
	};

	/* Where its row stands and who wrote it there: CREATE OR REPLACE writes another. */
	call.version[0] = HeapTupleHeaderGetRawXmin(procedure->t_data);
	call.version[1] = (uint64) ItemPointerGetBlockNumber(place) << 16 | ItemPointerGetOffsetNumber(place);
	return call;
}

void
raise_unless_done(const Outcome *outcome, int sqlstate)
{
	bool has_stack = outcome->detail != NULL && outcome->detail[0] != '\0';

	if (outcome->status == STATUS_DONE)
		return;
	if (outcome->status == STATUS_STOPPED)
	{
		CHECK_FOR_INTERRUPTS();
		sqlstate = ERRCODE_QUERY_CANCELED;
	}
	if (outcome->status == STATUS_OUT_OF_MEMORY)
		sqlstate = ERRCODE_OUT_OF_MEMORY;
	ereport(ERROR, (errcode(sqlstate), errmsg("%s", outcome->message),
					has_stack ? errdetail("%s", outcome->detail) : 0));
}

/* Calls, and raises what it threw. *procedure* is NULL for DO. */
Outcome
run_call(const Call *call, HeapTuple procedure)
{
	bool writes = procedure == NULL
		|| ((Form_pg_proc) GETSTRUCT(procedure))->provolatile == PROVOLATILE_VOLATILE;
	Outcome outcome = {0};
	bool before = query_set_read_only(!writes);

	javascript_call(call, &outcome);
	query_set_read_only(before);
	query_raise_stop();
	raise_unless_done(&outcome, ERRCODE_EXTERNAL_ROUTINE_EXCEPTION);
	return outcome;
}

static Oid
argument_type(FunctionCallInfo fcinfo, int index, Oid declared)
{
	Oid actual = get_fn_expr_argtype(fcinfo->flinfo, index);

	return IsPolymorphicType(declared) && OidIsValid(actual) ? actual : declared;
}

/* Names and types of what goes in; gives how many there are. */
static int
inputs_of(HeapTuple procedure, const char **parameters, Oid *inputs)
{
	Oid *types;
	char **names;
	char *modes;
	int total = get_func_arg_info(procedure, &types, &names, &modes);
	int count = 0;

	for (int i = 0; i < total; i++)
	{
		bool named = names != NULL && names[i] != NULL && names[i][0] != '\0';

		if (modes != NULL && (modes[i] == PROARGMODE_OUT || modes[i] == PROARGMODE_TABLE))
			continue;
		parameters[count] = named ? pstrdup(names[i]) : psprintf("$%d", count + 1);
		inputs[count] = types[i];
		count++;
	}
	return count;
}

/* Names without values, for the compiler. */
void
add_parameters(Call *call, HeapTuple procedure)
{
	Oid types[FUNC_MAX_ARGS];

	call->parameters = palloc(sizeof(char *) * FUNC_MAX_ARGS);
	call->parameter_count = inputs_of(procedure, call->parameters, types);
}

static void
add_arguments(Call *call, FunctionCallInfo fcinfo, HeapTuple procedure)
{
	Oid types[FUNC_MAX_ARGS];
	Value *arguments = palloc0(sizeof(Value) * FUNC_MAX_ARGS);

	call->parameters = palloc(sizeof(char *) * FUNC_MAX_ARGS);
	call->parameter_count = inputs_of(procedure, call->parameters, types);
	for (int i = 0; i < call->parameter_count; i++)
	{
		if (!fcinfo->args[i].isnull)
			arguments[i] = value_from_datum(fcinfo->args[i].value, argument_type(fcinfo, i, types[i]));
	}
	call->arguments = arguments;
}

/* What it is to give. *type* is the type of one value, where that is not a row. */
static void
add_result(Call *call, FunctionCallInfo fcinfo, HeapTuple procedure, Oid *type, TupleDesc *row)
{
	Column *column = palloc0(sizeof(Column));

	switch (get_call_result_type(fcinfo, type, row))
	{
		case TYPEFUNC_SCALAR:
			column->form = form_of(*type);
			call->columns = column;
			call->column_count = 1;
			break;
		case TYPEFUNC_COMPOSITE:
			call->row = true;
			call->columns = columns_of(*row);
			call->column_count = (*row)->natts;
			break;
		default:
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("pgv8 cannot return this type here")));
	}
	call->set = ((Form_pg_proc) GETSTRUCT(procedure))->proretset;
	call->nothing = *type == VOIDOID;
}

static Tuplestorestate *
open_store(FunctionCallInfo fcinfo, const Call *call, Oid type, TupleDesc row)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext before;

	if (result == NULL || !IsA(result, ReturnSetInfo) || !(result->allowedModes & SFRM_Materialize))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("a set cannot be returned here")));
	before = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	if (call->row)
		result->setDesc = CreateTupleDescCopy(row);
	else
	{
		result->setDesc = CreateTemplateTupleDesc(1);
		TupleDescInitEntry(result->setDesc, 1, "value", type, -1, 0);
	}
	result->returnMode = SFRM_Materialize;
	result->setResult = tuplestore_begin_heap(true, false, work_mem);
	MemoryContextSwitchTo(before);
	return result->setResult;
}

static void
store_rows(FunctionCallInfo fcinfo, const Call *call, const Outcome *outcome, Oid type, TupleDesc row)
{
	Tuplestorestate *store = open_store(fcinfo, call, type, row);
	TupleDesc description = ((ReturnSetInfo *) fcinfo->resultinfo)->setDesc;
	MemoryContext one = AllocSetContextCreate(CurrentMemoryContext, "pgv8 row", ALLOCSET_SMALL_SIZES);
	MemoryContext before = MemoryContextSwitchTo(one);

	for (size_t i = 0; i < outcome->row_count; i++)
	{
		tuplestore_puttuple(store, tuple_from_values(outcome->cells + i * call->column_count, description));
		MemoryContextReset(one);
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextSwitchTo(before);
}

Datum
call_function(FunctionCallInfo fcinfo, HeapTuple procedure, MemoryContext outer)
{
	Call call = call_of(procedure);
	Outcome outcome;
	Oid type;
	TupleDesc row = NULL;
	MemoryContext before;
	Datum datum;

	add_arguments(&call, fcinfo, procedure);
	add_result(&call, fcinfo, procedure, &type, &row);
	outcome = run_call(&call, procedure);
	fcinfo->isnull = true;
	if (call.set)
		store_rows(fcinfo, &call, &outcome, type, row);
	if (call.set || outcome.row_count == 0)
	{
		fcinfo->isnull = !call.nothing;
		return (Datum) 0;
	}
	/* What is made here must outlive this function's own memory. */
	before = MemoryContextSwitchTo(outer);
	if (call.row)
	{
		fcinfo->isnull = false;
		datum = HeapTupleGetDatum(tuple_from_values(outcome.cells, row));
	}
	else
		datum = datum_from_value(outcome.cells, type, -1, &fcinfo->isnull);
	MemoryContextSwitchTo(before);
	return datum;
}
