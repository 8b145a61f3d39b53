package ocr

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"flowbot/service"
)

// What a child is asked to do.
const (
	doList = "list" // read against this list, once
	doRead = "read" // read a page, and draw what is kept of it
	doShow = "show" // draw a page for a person
)

// question is the head of a message to a child. A page follows it as its first part.
type question struct {
	ID           int64 // the answer bears it too
	Do           string
	Profile      service.BlankProfile         // of doList and doShow
	Certificates []service.PrintedCertificate // of doList
	Reading      *service.PageReading         // of doShow
}

// answer is the head of a message from a child. Two pictures may follow it.
type answer struct {
	ID         int64
	Reading    *service.PageReading
	Failure    string // ours, not the page's
	Unreadable string // why the page cannot be worked; our words, never the page's
	Tired      bool   // the child has grown and wants to be replaced
}

// failure is what went wrong with the child itself.
func (a *answer) failure() error {
	if a.Failure == "" {
		return nil
	}
	return errors.New("child: " + a.Failure)
}

// pictures are the parts of a message.
type pictures = [2][]byte

// Bounds of a message, in bytes. Source: 10,000 certificates are 4 MB of JSON; a
// page of 60 megapixels of noise is 70 MB of JPEG.
const (
	maxHead = 16 << 20
	maxPart = 128 << 20
)

// message is a head, in JSON, and up to two parts that are not.
type message struct {
	head  []byte
	parts pictures
}

// encode makes a message.
func encode(head any, parts ...[]byte) (*message, error) {
	b, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("write a message: %w", err)
	}
	m := &message{head: b}
	copy(m.parts[:], parts)
	if len(m.head) > maxHead || len(m.parts[0]) > maxPart || len(m.parts[1]) > maxPart {
		return nil, errTooLong
	}
	return m, nil
}

var errTooLong = errors.New("a message is too long")

// send writes a message: three lengths, then what they are of.
func (m *message) send(w io.Writer) error {
	var lengths []byte
	for _, b := range [][]byte{m.head, m.parts[0], m.parts[1]} {
		lengths = binary.BigEndian.AppendUint32(lengths, uint32(len(b))) //nolint:gosec // bounded when it was made
	}
	for _, b := range [][]byte{lengths, m.head, m.parts[0], m.parts[1]} {
		if len(b) == 0 {
			continue
		}
		if _, err := w.Write(b); err != nil {
			return fmt.Errorf("send a message: %w", err)
		}
	}
	return nil
}

// receive reads a message. It is io.EOF between two of them.
func receive(r io.Reader, head any) (parts pictures, err error) {
	var lengths [12]byte
	if _, err := io.ReadFull(r, lengths[:]); err != nil {
		return parts, err
	}
	var got [3][]byte
	for i, most := range []uint32{maxHead, maxPart, maxPart} {
		n := binary.BigEndian.Uint32(lengths[4*i:])
		if n > most {
			return parts, errTooLong
		}
		if n != 0 {
			got[i] = make([]byte, n)
		}
	}
	for _, b := range got {
		if _, err := io.ReadFull(r, b); err != nil {
			return parts, fmt.Errorf("receive a message: %w", errors.Join(err, io.ErrUnexpectedEOF))
		}
	}
	if err := json.Unmarshal(got[0], head); err != nil {
		return parts, fmt.Errorf("receive a message: %w", err)
	}
	return pictures{got[1], got[2]}, nil
}
