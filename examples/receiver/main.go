// Command receiver answers every request with 200, and prints what is posted to it:
// a web server to watch, and a webhook to be notified on, for trying netmon.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: receiver HOST:PORT, such as receiver 127.0.0.1:9000")
		os.Exit(2)
	}
	server := &http.Server{Addr: os.Args[1], ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(answer)}
	fmt.Fprintln(os.Stderr, "receiver:", server.ListenAndServe())
	os.Exit(1)
}

func answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err == nil && len(body) > 0 {
		fmt.Printf("%s\n", body)
	}
	fmt.Fprintln(w, "ok")
}
