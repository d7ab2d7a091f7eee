package main

import (
	"io"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// printEnv prints the table of environment variables.
func printEnv(c *call) error {
	if err := c.noArguments("env"); err != nil {
		return err
	}
	_, err := io.WriteString(c.stdout, config.Table())
	return err
}
