package main_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A cluster is an API server that runs, and the clients for it.
type cluster struct{ bin, kubeconfig string }

// startCluster builds the programs, which takes several minutes the first time, and
// starts the API server until the test ends.
func startCluster(t *testing.T) cluster {
	t.Helper()
	if os.Getenv("TEST_APISERVER") == "" {
		t.Skip("TEST_APISERVER is not set: the first build of the API server takes several minutes")
	}
	dir := t.TempDir()
	c := cluster{bin: filepath.Join(dir, "bin"), kubeconfig: filepath.Join(dir, "kubeconfig")}
	for _, program := range []string{".", "tool"} {
		out, err := exec.Command("go", "build", "-ldflags=-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2 -X k8s.io/client-go/pkg/version.gitVersion=v1.37.2", "-o", c.bin+"/", program).CombinedOutput()
		if err != nil {
			t.Fatalf("go build %s: %v\n%s", program, err, out)
		}
	}
	port := freePort(t)
	writeFile(t, filepath.Join(dir, "tokens.csv"), "test,admin,admin,system:masters\n")
	writeFile(t, filepath.Join(dir, "sa.key"), newKey(t))
	writeFile(t, c.kubeconfig, fmt.Sprintf(`
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "https://127.0.0.1:%s", insecure-skip-tls-verify: true}}]
users: [{name: test, user: {token: test}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
current-context: test
`, port))
	c.serve(t, dir, port)
	return c
}

// serve runs the API server and waits until it is ready.
func (c cluster) serve(t *testing.T, dir, port string) {
	t.Helper()
	var log bytes.Buffer
	server := exec.Command(filepath.Join(c.bin, "apiserver"), dir, port)
	server.Stderr = &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		_ = server.Process.Kill()
		<-ended
	})
	deadline := time.After(2 * time.Minute)
	for {
		if _, err := c.try("", "kubectl", "get", "--raw", "/readyz"); err == nil {
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("apiserver: %v\n%s", err, log.Bytes())
		case <-deadline:
			t.Fatal("apiserver: not ready after two minutes")
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// try runs kubectl or helm with stdin and returns what it printed.
func (c cluster) try(stdin, program string, args ...string) (string, error) {
	command := exec.Command(filepath.Join(c.bin, program), args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig)
	command.Stdin = strings.NewReader(stdin)
	out, err := command.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// run is try for commands that have to succeed without a warning.
func (c cluster) run(t *testing.T, stdin, program string, args ...string) string {
	t.Helper()
	out, err := c.try(stdin, program, args...)
	if err != nil {
		t.Error(err)
	} else if regexp.MustCompile(`(?mi)^(Warning:|W\d{4} |.*\bwould violate)`).MatchString(out) {
		t.Errorf("%s %s:\n%s", program, strings.Join(args, " "), out)
	}
	return out
}

// restricted creates a namespace that enforces the restricted Pod Security Standard.
func (c cluster) restricted(t *testing.T, name string) {
	t.Helper()
	c.run(t, fmt.Sprintf(`
apiVersion: v1
kind: Namespace
metadata:
  name: %[1]s
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/warn: restricted
    pod-security.kubernetes.io/audit: restricted
---
# A controller, which does not run here, creates it in every namespace.
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: %[1]s}
`, name), "kubectl", "apply", "--server-side", "-f", "-")
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

func newKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	return string(pem.EncodeToMemory(block))
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
