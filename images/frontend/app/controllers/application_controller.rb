# frozen_string_literal: true

# What all controllers have in common.
class ApplicationController < ActionController::Base
  layout 'application'
  protect_from_forgery with: :exception
end
