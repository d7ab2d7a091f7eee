package config

import "fmt"

// AdminListen returns WXGATE_ADMIN_LISTEN, for a command that only asks a running
// process: no other variable is read. Empty: the process has no such listener.
func AdminListen(environ []string) (string, error) {
	const name = "ADMIN_LISTEN"
	address, set := own(environ)[name]
	for _, v := range variables() {
		if v.name == name && !set {
			address = v.preset
		}
	}
	if address == "" {
		return "", nil
	}
	if err := ListenAddress(address); err != nil {
		return "", fmt.Errorf("%s=%q: %w", namePrefix+name, address, err)
	}
	return address, nil
}
