# frozen_string_literal: true

Rails.application.routes.draw do
  root to: 'pages#index'
  get '/about', to: 'pages#about'
  get '/healthz', to: 'pages#health'
  get '/slow', to: 'pages#slow'
  resources :notes, only: %i[new create]
  post '/styles', to: 'styles#create'
end
