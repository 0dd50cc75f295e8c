//go:build !linux

package engine

import (
	"errors"
	"net"
)

// bindTo is known on Linux only.
func bindTo(*net.Dialer, string) error {
	return errors.New("binding to an interface needs Linux: name a source address")
}
