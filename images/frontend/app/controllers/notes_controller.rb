# frozen_string_literal: true

# A form, taken only from those who were given it.
class NotesController < ApplicationController
  rescue_from ActionController::InvalidAuthenticityToken do
    render plain: 'this form was not given to you', status: :unprocessable_entity
  end

  def new; end

  def create
    flash[:note] = params.require(:note).first(200)
    redirect_to root_path
  end
end
