# frozen_string_literal: true

# Compiles the Sass that a designer sends, and says what is wrong with it.
class StylesController < ApplicationController
  LARGEST_BYTES = 16.kilobytes

  skip_forgery_protection

  def create
    source = String.new(request.body.read(LARGEST_BYTES + 1).to_s, encoding: Encoding::UTF_8)
    refusal = refused(source)
    return render plain: refusal, status: :unprocessable_entity if refusal

    render body: SassC::Engine.new(source, syntax: :scss).render, content_type: 'text/css'
  rescue SassC::SyntaxError => e
    render plain: e.message.lines.first, status: :unprocessable_entity
  end

  private

  def refused(source)
    return 'at most 16 KiB' if source.bytesize > LARGEST_BYTES
    return 'text in UTF-8, please' unless source.valid_encoding?

    # An import would read files of this server.
    'imports are not for visitors' if source.match?(/@import/i)
  end
end
