# frozen_string_literal: true

# Without a Gemfile every part of Rails that is used is named here. Rails 6.1 counts on somebody
# else to load the logger.
require 'logger'
require 'rails'
require 'action_controller/railtie'
require 'action_view/railtie'
require 'sprockets/railtie'
require 'sassc-rails'

$stdout.sync = true

# Pages, a form and a compiler of styles; it keeps nothing but what is in its visitors' cookies.
class Frontend < Rails::Application
  YEAR = 31_536_000

  config.root = File.expand_path('..', __dir__)
  config.load_defaults 6.1
  config.eager_load = true
  config.cache_classes = true
  config.cache_store = :null_store
  config.consider_all_requests_local = false
  config.secret_key_base = ENV.fetch('SECRET_KEY_BASE')
  # Whoever reaches it may: it is behind 127.0.0.1 or a proxy that checks names.
  config.hosts.clear
  config.session_store :cookie_store, key: 'frontend', same_site: :lax

  config.assets.compile = false
  config.public_file_server.enabled = true
  config.public_file_server.headers = { 'Cache-Control' => "public, max-age=#{YEAR}, immutable" }
  config.content_security_policy { |policy| policy.default_src :self }

  config.logger = ActiveSupport::TaggedLogging.new(ActiveSupport::Logger.new($stdout))
  config.log_level = :info
  config.log_tags = [:request_id]
  config.filter_parameters = [:password]
end
