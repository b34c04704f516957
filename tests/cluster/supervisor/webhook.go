package main

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// startWebhook answers on loopback as an admission webhook: with what its path
// says, the JSON of an AdmissionResponse in base64url. So a test decides what
// is denied or changed, and how, in the webhook's configuration.
func startWebhook(pki *authority) (string, error) {
	serving, err := pki.issue("webhook", "webhook", "", true)
	if err != nil {
		return "", err
	}
	pair, err := tls.LoadX509KeyPair(serving.cert, serving.key)
	if err != nil {
		return "", err
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		return "", err
	}
	go http.Serve(listener, http.HandlerFunc(review))
	return listener.Addr().String(), nil
}

func review(answer http.ResponseWriter, request *http.Request) {
	var asked struct {
		Request struct {
			UID string `json:"uid"`
		} `json:"request"`
	}
	var response map[string]any
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(request.URL.Path, "/"))
	if err == nil {
		err = json.Unmarshal(text, &response)
	}
	if err == nil {
		err = json.NewDecoder(request.Body).Decode(&asked)
	}
	if err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	response["uid"] = asked.Request.UID
	answer.Header().Set("Content-Type", "application/json")
	json.NewEncoder(answer).Encode(map[string]any{
		"apiVersion": "admission.k8s.io/v1",
		"kind":       "AdmissionReview",
		"response":   response,
	})
}
