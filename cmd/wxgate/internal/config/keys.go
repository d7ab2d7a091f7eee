package config

import "github.com/wxgate/wxgate/session"

// Keys and Key are the types of package session.
type (
	Keys = session.Keys
	Key  = session.Key
)
