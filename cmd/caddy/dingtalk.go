package main

import "github.com/caddy-dingtalk/caddy-dingtalk/internal/command"

func init() { command.Add(demoCommand) }
