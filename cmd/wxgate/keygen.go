package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
)

// keygen prints a new cookie key.
func keygen(inv *invocation) error {
	if err := inv.noArguments("keygen"); err != nil {
		return err
	}
	_, err := fmt.Fprintln(inv.stdout, base64.StdEncoding.EncodeToString(newKey()))
	return err
}

// newKey returns 32 random bytes.
func newKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}
