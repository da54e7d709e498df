# frozen_string_literal: true

worker_processes Integer(ENV.fetch('WORKERS', '2'))
listen '0.0.0.0:8080', tcp_nopush: true
working_directory '/srv/frontend'
# Loaded once: workers share its memory, and a new one is there in milliseconds.
preload_app true
# A worker that is busy for longer is killed, and another takes its place.
timeout 6
