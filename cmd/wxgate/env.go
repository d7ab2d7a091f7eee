package main

import (
	"io"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// printEnv prints the table of environment variables.
func printEnv(inv *invocation) error {
	if err := inv.noArguments("env"); err != nil {
		return err
	}
	_, err := io.WriteString(inv.stdout, config.Table())
	return err
}
