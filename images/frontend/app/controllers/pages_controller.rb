# frozen_string_literal: true

# The front page, and what operations ask for.
class PagesController < ApplicationController
  LONGEST_SECONDS = 4

  def index
    session[:visits] = session[:visits].to_i + 1
    @visits = session[:visits]
    @name = params[:name].presence || 'visitor'
  end

  def about
    render json: {
      ruby: RUBY_VERSION, rails: Rails.version, unicorn: Unicorn::Const::UNICORN_VERSION,
      sassc: SassC::VERSION, libsass: SassC::Native.version, worker: Process.pid
    }
  end

  def health
    render plain: 'ok'
  end

  def slow
    seconds = params[:seconds].to_f.clamp(0, LONGEST_SECONDS)
    sleep seconds
    render plain: "after #{seconds} s"
  end
end
