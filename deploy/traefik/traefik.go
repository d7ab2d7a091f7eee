// Package traefik checks kubernetes.yaml against Traefik's own types. Its module also
// names the Traefik that tests of the module above run with the files of this
// directory. To build it, which compiles 2,500 packages, and to run these tests:
//
//	go -C deploy/traefik build -o "$HOME/bin/" tool
//	PATH="$HOME/bin:$PATH" go -C deploy test -run Traefik .
package traefik
