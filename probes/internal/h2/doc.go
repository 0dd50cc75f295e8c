// Package h2 counts the HTTP/2 frames of a server (RFC 9113) below net/http, and ends
// a connection on which too many frames belong to no answer.
package h2
