package web

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// certificateEach is how often files of a certificate are looked at again: what renews them
// writes new ones beside a server that stays.
const certificateEach = 10 * time.Second

// TLS presents the certificate in two PEM files, and the newer one that takes its place.
// A new one that cannot be read leaves the previous one in use, which trouble is called
// with.
func TLS(cert, key string, trouble func(error)) (*tls.Config, error) {
	f := &certificate{cert: cert, key: key, trouble: trouble}
	if err := f.load(); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.now(), nil }}, nil
}

type certificate struct {
	cert, key string
	trouble   func(error)

	mu     sync.Mutex // guards what follows
	pair   *tls.Certificate
	of     [2]time.Time // when the files were written
	bad    [2]time.Time // likewise, of those that could not be read
	looked time.Time
}

func (f *certificate) load() error {
	written, err := f.written()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", f.cert, f.key, err)
	}
	f.pair, f.of, f.looked = &pair, written, time.Now()
	return nil
}

func (f *certificate) written() (at [2]time.Time, err error) {
	for i, path := range []string{f.cert, f.key} {
		info, err := os.Stat(path)
		if err != nil {
			return at, err
		}
		at[i] = info.ModTime()
	}
	return at, nil
}

// now is the certificate as its files have it.
func (f *certificate) now() *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) >= certificateEach {
		f.looked = time.Now()
		written, err := f.written()
		if err == nil && written != f.of {
			err = f.load()
		}
		if err != nil && (written != f.bad || written == [2]time.Time{}) { // once for each that is written
			f.bad = written
			f.trouble(fmt.Errorf("the previous certificate stays in use: %w", err))
		}
	}
	return f.pair
}
