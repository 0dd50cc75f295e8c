// Package http makes requests over HTTP/1.1 and HTTP/2, with and without TLS, and
// times each of their phases (RFC 9110, 9112, 9113).
package http
