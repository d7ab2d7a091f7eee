package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
)

// keygen prints a new cookie key.
func keygen(c *call) error {
	if err := c.noArguments("keygen"); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.stdout, base64.StdEncoding.EncodeToString(newKey()))
	return err
}

// newKey returns 32 random bytes.
func newKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}
