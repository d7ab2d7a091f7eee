package config

import (
	"fmt"
	"reflect"
	"strings"
)

// namePrefix is what the names of all of wxgate's variables begin with.
const namePrefix = "WXGATE_"

// A variable is a field of [Config] as its tags describe it.
type variable struct {
	name     string // without the prefix: APP_ID
	field    string
	preset   string // the default
	unset    string
	oneOf    []string
	required bool
	secret   bool
	account  bool
	process  bool
	names    []string // the names that set it, without the prefix
}

// variables returns the variables in the order of the fields of [Config].
func variables() []variable {
	var list []variable
	for f := range reflect.TypeFor[Config]().Fields() {
		name := f.Tag.Get("env")
		if name == "-" {
			continue
		}
		v := variable{
			name:   name,
			field:  f.Name,
			preset: f.Tag.Get("envDefault"),
			unset:  f.Tag.Get("unset"),
			oneOf:  split(f.Tag.Get("oneof")),
		}
		for _, kind := range split(f.Tag.Get("kind")) {
			v.setKind(kind)
		}
		v.names = []string{name}
		if v.secret {
			v.names = append(v.names, name+"_FILE")
		}
		list = append(list, v)
	}
	return list
}

func (v *variable) setKind(kind string) {
	switch kind {
	case "required":
		v.required = true
	case "secret":
		v.secret = true
	case "account":
		v.account = true
	case "process":
		v.process = true
	default:
		panic(fmt.Sprintf("config: the field %s has the unknown kind %q", v.field, kind))
	}
}

// split splits the words of a tag; no text has none.
func split(words string) []string {
	if words == "" {
		return nil
	}
	return strings.Split(words, ",")
}
