package config

import (
	"maps"
	"slices"
)

// A SecretFile is a file that holds a secret.
type SecretFile struct {
	Variable string // as it was set, such as WXGATE_APP_SECRET_FILE
	Path     string
}

// SecretFiles returns the files of the configuration that hold secrets, those of its
// sites too, each once.
func (c *Config) SecretFiles() []SecretFile {
	var list []SecretFile
	seen := make(map[string]bool)
	add := func(variable, path string) {
		if path != "" && !seen[path] {
			seen[path] = true
			list = append(list, SecretFile{variable, path})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.sources)) {
		add(c.sources[name].name, c.sources[name].file)
	}
	add(c.NameOf("WXGATE_TLS_KEY_FILE"), c.TLSKeyFile)
	add(c.NameOf("WXGATE_ASSERTION_KEYS_FILE"), c.AssertionKeysFile)
	for _, site := range c.Sites {
		for _, f := range site.Config.SecretFiles() {
			add(f.Variable, f.Path)
		}
	}
	return list
}
