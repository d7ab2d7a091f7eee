package config

import (
	"reflect"
	"strings"
)

// A variable is a field of [Config] as its tags describe it.
type variable struct {
	name     string
	field    string
	preset   string // default
	unset    string
	meaning  string
	required string
	oneOf    []string
	secret   bool
	account  bool
	process  bool
}

// names gives the names that set the variable.
func (v variable) names() []string {
	if v.secret {
		return []string{v.name, v.name + "_FILE"}
	}
	return []string{v.name}
}

// variables lists the fields of [Config] in their order.
func variables() []variable {
	var list []variable
	for f := range reflect.TypeFor[Config]().Fields() {
		name := f.Tag.Get("env")
		if name == "-" {
			continue
		}
		v := variable{
			name:     name,
			field:    f.Name,
			preset:   f.Tag.Get("envDefault"),
			unset:    f.Tag.Get("unset"),
			meaning:  f.Tag.Get("meaning"),
			required: f.Tag.Get("required"),
			secret:   f.Tag.Get("secret") == "true",
			account:  f.Tag.Get("account") == "true",
			process:  f.Tag.Get("process") == "true",
		}
		if words, ok := f.Tag.Lookup("oneof"); ok {
			v.oneOf = strings.Split(words, ",")
		}
		list = append(list, v)
	}
	return list
}
