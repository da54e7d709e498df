"""Celery's settings, the same for those who hand in jobs and those who do them."""

import os

QUEUE_URL = os.environ["QUEUE_URL"]

broker_url = result_backend = QUEUE_URL
broker_connection_retry_on_startup = True
#: A job that nobody has finished after this long is handed out again: its worker is gone. It must
#: be longer than any job may take.
broker_transport_options = {"visibility_timeout": 20, "socket_timeout": 10}
redis_socket_timeout = 10
result_expires = 600
task_serializer = result_serializer = "json"
accept_content = ["json"]

# A job is done when it is done, not when it was taken.
task_acks_late = True
task_reject_on_worker_lost = True
task_track_started = True
task_time_limit = 15
worker_prefetch_multiplier = 1
#: Seconds until a process that vanished is believed to be gone.
worker_lost_wait = 1.0
