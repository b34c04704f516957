// Command raw sends to an API server what an apply or a diff must ask at the
// least, as fast as it can, and does nothing with the answers. It also
// measures other programs.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"
	"syscall"
	"time"
)

const connections = 16

// how says what daphnia says with each of its requests, too.
const how = "?fieldManager=raw&fieldValidation=Strict&force=false"

func main() {
	err := errors.New("usage: raw send KUBECONFIG.json NAMESPACE (list|dry-run|apply REQUESTS)… | raw measure COMMAND…")
	switch {
	case len(os.Args) > 5 && os.Args[1] == "send":
		err = send(os.Args[2], os.Args[3], os.Args[4:])
	case len(os.Args) > 2 && os.Args[1] == "measure":
		err = measure(os.Args[2:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "raw:", err)
		os.Exit(1)
	}
}

// measure runs a command and prints how it ended, the seconds that it took,
// those that it computed, and the bytes of memory that it held.
func measure(command []string) error {
	program := exec.Command(command[0], command[1:]...)
	program.Stderr = os.Stderr
	began := time.Now()
	err := program.Run()
	wall := time.Since(began)
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return err
	}
	state := program.ProcessState
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"status": state.ExitCode(),
		"wall":   wall.Seconds(),
		"cpu":    (state.UserTime() + state.SystemTime()).Seconds(),
		"memory": state.SysUsage().(*syscall.Rusage).Maxrss * 1024,
	})
}

// request is an object and its path.
type request struct{ path, body string }

// send does steps, each with the requests of a file; a step begins when the
// one before has its last answer.
func send(kubeconfig, namespace string, steps []string) error {
	server, err := connect(kubeconfig)
	if err != nil {
		return err
	}
	for ; len(steps) > 1; steps = steps[2:] {
		objects, err := read(steps[1], namespace)
		if err != nil {
			return err
		}
		switch steps[0] {
		case "list":
			err = server.all(http.MethodGet, lists(objects), "")
		case "dry-run":
			err = server.all(http.MethodPatch, objects, how+"&dryRun=All")
		case "apply":
			err = server.all(http.MethodPatch, objects, how)
		default:
			err = errors.New("there is no such step")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", steps[0], err)
		}
	}
	return nil
}

// read reads lines of a path and an object.
func read(file, namespace string) ([]request, error) {
	text, err := os.ReadFile(file)
	var requests []request
	for line := range strings.Lines(string(text)) {
		where, body, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		requests = append(requests, request{strings.ReplaceAll(where, "NAMESPACE", namespace), body})
	}
	return requests, err
}

// lists returns a request for all objects of each kind.
func lists(objects []request) []request {
	var requests []request
	known := map[string]bool{}
	for _, object := range objects {
		if list := path.Dir(object.path); !known[list] {
			known[list] = true
			requests = append(requests, request{path: list})
		}
	}
	return requests
}

// server is a way to an API server.
type server struct {
	url, token string
	client     *http.Client
}

func connect(kubeconfig string) (*server, error) {
	text, err := os.ReadFile(kubeconfig)
	if err != nil {
		return nil, err
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server    string
				Authority string `json:"certificate-authority-data"`
			}
		}
		Users []struct {
			User struct{ Token string }
		}
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", kubeconfig, err)
	}
	if len(config.Clusters) != 1 || len(config.Users) != 1 || config.Users[0].User.Token == "" {
		return nil, fmt.Errorf("%s: one cluster and one user with a token are wanted", kubeconfig)
	}
	cluster := config.Clusters[0].Cluster
	authority, err := base64.StdEncoding.DecodeString(cluster.Authority)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kubeconfig, err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots},
		MaxIdleConnsPerHost: connections,
		// Without HTTP/2: there each connection would carry many requests.
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
	return &server{cluster.Server, config.Users[0].User.Token, &http.Client{Transport: transport}}, nil
}

// all sends requests, as many at once as there are connections.
func (s *server) all(method string, requests []request, query string) error {
	next := make(chan request)
	results := make(chan error, connections)
	var workers sync.WaitGroup
	for range connections {
		workers.Go(func() {
			for request := range next {
				if err := s.one(method, request, query); err != nil {
					select {
					case results <- err:
					default: // There is enough to tell.
					}
				}
			}
		})
	}
	for _, request := range requests {
		next <- request
	}
	close(next)
	workers.Wait()
	select {
	case err := <-results:
		return err
	default:
		return nil
	}
}

func (s *server) one(method string, what request, query string) error {
	request, err := http.NewRequest(method, s.url+what.path+query, strings.NewReader(what.body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	request.Header.Set("Accept", "application/json")
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/apply-patch+yaml")
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		text, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("%s: %s: %s", what.path, answer.Status, text)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}
