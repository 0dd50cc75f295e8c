// Package httpserve serves what is in memory to anybody, and bounds what one of them can
// take: connections, time, bytes of a request.
package httpserve
