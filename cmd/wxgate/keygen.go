package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/spf13/cobra"
)

// newKeygen returns the command keygen.
func newKeygen(inv *invocation) *cobra.Command {
	return &cobra.Command{
		Use:   "keygen",
		Short: "print a new cookie key",
		Long: `Prints a new key for WXGATE_COOKIE_KEYS or WXGATE_HUB_KEY: 32 random bytes in base64. All
replicas need the same key. Anyone who has it can make sessions: keep it secret.`,
		Example:     `export WXGATE_COOKIE_KEYS="$(wxgate keygen)"`,
		Annotations: exits("0 done; 1 the key could not be written; 2 the arguments are wrong"),
		Args:        noArguments,
		RunE:        func(*cobra.Command, []string) error { return keygen(inv) },
	}
}

// keygen prints a new cookie key.
func keygen(inv *invocation) error {
	_, err := fmt.Fprintln(inv.stdout, base64.StdEncoding.EncodeToString(newKey()))
	return err
}

// newKey returns 32 random bytes.
func newKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}
