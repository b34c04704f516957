package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// The images that there are. All others are "not found", of whatever registry:
// containerd asks this one for everything, so nothing leaves the machine.
const (
	busyboxImage = "docker.io/library/busybox:1.36"
	pauseImage   = "docker.io/library/pause:1"
)

// gitVersion is the tag under which this machine's git, if it has one, stands in for
// `alpine/git`, which fetches the source code of container functions.
const gitVersion = "v2.45.2"

// registry answers as a registry of images does (OCI distribution), from memory.
type registry map[string]blob

type blob struct {
	kind string
	text []byte
}

// startRegistry serves images on loopback; without images, all are "not found",
// those under private/ "unauthorized".
func startRegistry(images bool) (string, error) {
	registry := registry{}
	if images {
		busybox, err := busyboxLayer()
		if err != nil {
			return "", err
		}
		registry.add("library/busybox", []string{"1.36", "latest"}, [][]byte{busybox}, "/bin/sh")
		registry.add("library/pause", []string{"1"}, [][]byte{busybox}, "/bin/sleep", "2147483647")
		if git, err := gitLayer(); err == nil {
			registry.add("alpine/git", []string{gitVersion}, [][]byte{busybox, git}, "/bin/git")
		} else {
			say("there is no image with git: %v", err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go http.Serve(listener, registry)
	return listener.Addr().String(), nil
}

func (r registry) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	blob, found := r[request.URL.Path]
	// A mirror is told which registry is meant.
	if meant := request.URL.Query().Get("ns"); meant != "" && meant != "docker.io" && meant != request.Host {
		found = false
	}
	switch {
	case request.URL.Path == "/v2/":
	case strings.HasPrefix(request.URL.Path, "/v2/private/"):
		http.Error(answer, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
	case !found:
		http.Error(answer, `{"errors":[{"code":"NAME_UNKNOWN","message":"no such image"}]}`, http.StatusNotFound)
	default:
		answer.Header().Set("Content-Type", blob.kind)
		answer.Header().Set("Docker-Content-Digest", digest(blob.text))
		answer.Header().Set("Content-Length", fmt.Sprint(len(blob.text)))
		answer.Write(blob.text)
	}
}

// add makes an image of layers.
func (r registry) add(name string, tags []string, layers [][]byte, command ...string) {
	part := func(kind string, text []byte) map[string]any {
		r["/v2/"+name+"/blobs/"+digest(text)] = blob{"application/octet-stream", text}
		return map[string]any{"mediaType": kind, "digest": digest(text), "size": len(text)}
	}
	var parts []any
	var digests []string
	for _, layer := range layers {
		parts = append(parts, part("application/vnd.oci.image.layer.v1.tar", layer))
		digests = append(digests, digest(layer))
	}
	config := encode(map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"config":       map[string]any{"Cmd": command, "Env": []string{"PATH=/bin"}},
		"rootfs":       map[string]any{"type": "layers", "diff_ids": digests},
	})
	const kind = "application/vnd.oci.image.manifest.v1+json"
	manifest := encode(map[string]any{
		"schemaVersion": 2,
		"mediaType":     kind,
		"config":        part("application/vnd.oci.image.config.v1+json", config),
		"layers":        parts,
	})
	for _, tag := range append(tags, digest(manifest)) {
		r["/v2/"+name+"/manifests/"+tag] = blob{kind, manifest}
	}
}

func encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}

func digest(text []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(text)) }

// busyboxLayer is a root filesystem with Debian's static busybox under all its names.
func busyboxLayer() ([]byte, error) {
	program := findNodePrograms().busybox
	binary, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	names, err := exec.Command(program, "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --list: %w", program, err)
	}
	var layer bytes.Buffer
	archive, add := newLayer(&layer)
	for _, folder := range []string{"bin/", "dev/", "etc/", "proc/", "root/", "sys/"} {
		add(folder, tar.TypeDir, 0o755, nil, "")
	}
	add("tmp/", tar.TypeDir, 0o1777, nil, "")
	add("etc/passwd", tar.TypeReg, 0o644, []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"), "")
	add("etc/group", tar.TypeReg, 0o644, []byte("root:x:0:\nnogroup:x:65534:\n"), "")
	add("bin/busybox", tar.TypeReg, 0o755, binary, "")
	for _, name := range strings.Fields(string(names)) {
		if name != "busybox" {
			add("bin/"+name, tar.TypeSymlink, 0o777, nil, "busybox")
		}
	}
	return layer.Bytes(), archive.Close()
}

// gitLayer has this machine's git: what clones over HTTP, what serves so, and the libraries of both.
func gitLayer() ([]byte, error) {
	home, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		return nil, err
	}
	folder := strings.TrimSpace(string(home))
	var layer bytes.Buffer
	archive, add := newLayer(&layer)
	copied := map[string]bool{}
	addFile := func(file string) error {
		text, err := os.ReadFile(file)
		if err == nil && !copied[file] {
			copied[file] = true
			add(strings.TrimPrefix(file, "/"), tar.TypeReg, 0o755, text, "")
		}
		return err
	}
	programs := []string{"git", "git-remote-http", "git-http-backend"}
	scripts := []string{"git-submodule", "git-sh-setup", "git-sh-i18n", "git-sh-i18n--envsubst"}
	for _, name := range append(scripts, programs...) {
		if err := addFile(filepath.Join(folder, name)); err != nil {
			return nil, err
		}
	}
	for _, name := range programs {
		libraries, err := exec.Command("ldd", filepath.Join(folder, name)).Output()
		if err != nil {
			return nil, err
		}
		for _, word := range strings.Fields(string(libraries)) {
			if strings.HasPrefix(word, "/") {
				if err := addFile(word); err != nil {
					return nil, err
				}
			}
		}
	}
	add("bin/git", tar.TypeSymlink, 0o777, nil, filepath.Join(folder, "git"))
	add(folder[1:]+"/git-upload-pack", tar.TypeSymlink, 0o777, nil, "git")
	add(folder[1:]+"/git-remote-https", tar.TypeSymlink, 0o777, nil, "git-remote-http")
	return layer.Bytes(), archive.Close()
}

// newLayer begins a layer, and returns what adds an entry to it.
func newLayer(layer *bytes.Buffer) (*tar.Writer, func(name string, kind byte, mode int64, text []byte, target string)) {
	archive := tar.NewWriter(layer)
	return archive, func(name string, kind byte, mode int64, text []byte, target string) {
		archive.WriteHeader(&tar.Header{Name: name, Typeflag: kind, Mode: mode, Size: int64(len(text)), Linkname: target})
		archive.Write(text)
	}
}
