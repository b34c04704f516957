package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// breaker is a proxy in front of the API server that breaks one request of many.
//
// A client reaches it at http://127.0.0.1:PORT/NAME/FAULT/K: of the requests that come
// under that path, the K-th suffers the fault. Each request is a line on standard
// output once its fate is known: NAME, its number, method, code (0: no answer was
// passed on; "held": it waits for the client's end) and path.
//
// Under /NAME/together/K nothing is broken, but the dry-runs wait until K of them are
// under way at once; under /NAME/applied-together/K the patches that are none do.
// Under /NAME/late-log/K the logs of running containers and the first K of others end
// in the middle, as if the runtime had not written the rest yet.
type breaker struct {
	server string
	token  string
	client http.RoundTripper
	mutex  sync.Mutex
	counts map[string]int
	gates  map[string]*gate
}

// gate opens once so many wait in front of it.
type gate struct {
	missing int
	open    chan struct{}
}

// faults serves a breaker for the cluster of a kubeconfig of this supervisor's until stdin ends.
func faults(kubeconfig string) error {
	text, err := os.ReadFile(kubeconfig)
	if err != nil {
		return err
	}
	field := func(name string) string {
		found := regexp.MustCompile(name + `: ([^\s}]+)`).FindSubmatch(text)
		if found == nil {
			return ""
		}
		return string(found[1])
	}
	pem, err := base64.StdEncoding.DecodeString(field("certificate-authority-data"))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	breaker := &breaker{
		server: field("server"),
		token:  field("token"),
		client: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: 100, DisableCompression: true,
		},
		counts: map[string]int{},
		gates:  map[string]*gate{},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go http.Serve(listener, breaker)
	fmt.Println(listener.Addr())
	io.Copy(io.Discard, os.Stdin)
	return nil
}

func (b *breaker) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	parts := strings.SplitN(request.URL.Path, "/", 5)
	if len(parts) < 5 {
		http.NotFound(answer, request)
		return
	}
	name, fault, path := parts[1], parts[2], "/"+parts[4]
	chosen, _ := strconv.Atoi(parts[3])
	if request.URL.RawQuery != "" {
		path += "?" + request.URL.RawQuery
	}
	// Only a body that was read to its end lets the server notice that the client is gone.
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	b.mutex.Lock()
	b.counts[name]++
	number := b.counts[name]
	b.mutex.Unlock()
	isTried := strings.Contains(path, "dryRun=All")
	if fault == "together" && isTried || fault == "applied-together" && request.Method == "PATCH" && !isTried {
		b.await(name, chosen, request.Context().Done())
	}
	isLate := fault == "late-log" && b.isLate(name, path, chosen)
	if number != chosen {
		fault = "none"
	}
	say := func(code any) {
		b.mutex.Lock()
		defer b.mutex.Unlock()
		fmt.Println(name, number, request.Method, code, path)
	}

	switch fault {
	case "429":
		answer.Header().Set("Retry-After", "1")
		refuse(answer, http.StatusTooManyRequests, "TooManyRequests")
		say(429)
		return
	case "500":
		refuse(answer, http.StatusInternalServerError, "InternalError")
		say(500)
		return
	case "reset-before":
		reset(answer)
		say(0)
		return
	}

	forward, err := http.NewRequestWithContext(request.Context(), request.Method, b.server+path, bytes.NewReader(body))
	if err != nil {
		http.Error(answer, err.Error(), http.StatusBadGateway)
		return
	}
	forward.Header = request.Header.Clone()
	forward.Header.Set("Authorization", "Bearer "+b.token)
	response, err := b.client.RoundTrip(forward)
	if err != nil {
		reset(answer)
		say(0)
		return
	}
	defer response.Body.Close()
	say(response.StatusCode)

	switch fault {
	case "reset-after":
		reset(answer)
	case "stall", "kill-after":
		say("held")
		<-request.Context().Done()
	default:
		for key, values := range response.Header {
			answer.Header()[key] = values
		}
		answer.WriteHeader(response.StatusCode)
		if isLate {
			log, _ := io.ReadAll(response.Body)
			answer.Write(log[:len(log)/2])
			return
		}
		copyAtOnce(answer, response.Body)
	}
}

// await holds a request until count of them are held, or its client is gone.
func (b *breaker) await(name string, count int, gone <-chan struct{}) {
	b.mutex.Lock()
	if b.gates[name] == nil {
		b.gates[name] = &gate{count, make(chan struct{})}
	}
	gate := b.gates[name]
	gate.missing--
	if gate.missing == 0 {
		close(gate.open)
	}
	b.mutex.Unlock()
	select {
	case <-gate.open:
	case <-gone:
	}
}

// isLate says whether a request is for a log that shall not be there in full.
func (b *breaker) isLate(name, path string, count int) bool {
	if !strings.Contains(path, "/log?") {
		return false
	}
	if strings.Contains(path, "follow=true") {
		return true
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.counts[name+" log"]++
	return b.counts[name+" log"] <= count
}

// refuse answers as the API server does.
func refuse(answer http.ResponseWriter, code int, reason string) {
	answer.Header().Set("Content-Type", "application/json")
	answer.WriteHeader(code)
	fmt.Fprintf(answer, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"broken by a test","reason":%q,"code":%d}`, reason, code)
}

// reset ends the client's connection as a crash would: without a word.
func reset(answer http.ResponseWriter) {
	connection, _, err := answer.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	connection.Close()
}

// copyAtOnce passes on what comes when it comes, for a watch goes on for long.
func copyAtOnce(answer http.ResponseWriter, body io.Reader) {
	controller := http.NewResponseController(answer)
	controller.Flush()
	buffer := make([]byte, 32<<10)
	for {
		count, err := body.Read(buffer)
		if count > 0 {
			if _, err := answer.Write(buffer[:count]); err != nil {
				return
			}
			controller.Flush()
		}
		if err != nil {
			return
		}
	}
}
