/*
 * pgv8: functions in JavaScript, run by V8 inside PostgreSQL.
 *
 * A trusted language: JavaScript reaches the database as the role that calls, and nothing else. It
 * has no files, no network and no modules.
 */
#include "pgv8.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/syscache.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(pgv8_call_handler);
PG_FUNCTION_INFO_V1(pgv8_inline_handler);
PG_FUNCTION_INFO_V1(pgv8_validator);
PG_FUNCTION_INFO_V1(pgv8_version);

int bridge_heap_megabytes = 64;

void _PG_init(void);

void
_PG_init(void)
{
	if (GetDatabaseEncoding() != PG_UTF8)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("pgv8 needs a database in UTF-8")));
	DefineCustomIntVariable("pgv8.heap_mb", "Most memory for the JavaScript of one session, in MB.",
							"Read when the session first calls a function in this language.",
							&bridge_heap_megabytes, 64, 16, 2048, PGC_SUSET, 0, NULL, NULL, NULL);
}

static HeapTuple
procedure_of(Oid function)
{
	HeapTuple procedure = SearchSysCacheCopy1(PROCOID, ObjectIdGetDatum(function));

	if (!HeapTupleIsValid(procedure))
		elog(ERROR, "there is no function %u", function);
	return procedure;
}

static void
connect_spi(void)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

Datum
pgv8_call_handler(PG_FUNCTION_ARGS)
{
	MemoryContext outer = CurrentMemoryContext;
	HeapTuple procedure;
	Datum datum;

	check_stack_depth();
	connect_spi();
	procedure = procedure_of(fcinfo->flinfo->fn_oid);
	if (CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("pgv8 has no event triggers")));
	if (CALLED_AS_TRIGGER(fcinfo))
	{
		SPI_register_trigger_data((TriggerData *) fcinfo->context);
		datum = call_trigger(fcinfo, procedure, outer);
	}
	else
		datum = call_function(fcinfo, procedure, outer);
	SPI_finish();
	return datum;
}

/* DO */
Datum
pgv8_inline_handler(PG_FUNCTION_ARGS)
{
	InlineCodeBlock *block = (InlineCodeBlock *) DatumGetPointer(PG_GETARG_DATUM(0));
	Call call = {.name = "DO", .source = block->source_text, .role = GetUserId(), .nothing = true};

	check_stack_depth();
	connect_spi();
	run_call(&call, NULL);
	SPI_finish();
	PG_RETURN_VOID();
}

/* To the compiler only the names of the parameters matter. */
static void
add_names(Call *call, HeapTuple procedure)
{
	bool trigger = ((Form_pg_proc) GETSTRUCT(procedure))->prorettype == TRIGGEROID;

	if (trigger)
		add_trigger_parameters(call);
	else
		add_parameters(call, procedure);
}

/* CREATE FUNCTION: what cannot be compiled is refused. */
Datum
pgv8_validator(PG_FUNCTION_ARGS)
{
	Oid function = PG_GETARG_OID(0);
	HeapTuple procedure;
	Call call;
	Outcome outcome = {0};

	if (!CheckFunctionValidatorAccess(fcinfo->flinfo->fn_oid, function) || !check_function_bodies)
		PG_RETURN_VOID();
	procedure = procedure_of(function);
	call = call_of(procedure);
	call.function = 0;
	add_names(&call, procedure);
	javascript_compile(&call, &outcome);
	raise_unless_done(&outcome, ERRCODE_SYNTAX_ERROR);
	PG_RETURN_VOID();
}

Datum
pgv8_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(javascript_version()));
}
