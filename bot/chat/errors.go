package chat

import (
	"errors"
	"fmt"
	"time"
)

// What a messenger refuses in a way that callers tell apart.
var (
	ErrBlocked  = errors.New("chat: this person cannot be written to") // blocked, deactivated, never began
	ErrGone     = errors.New("chat: no such message or file any more")
	ErrTooBig   = errors.New("chat: file too big")
	ErrConflict = errors.New("chat: updates are asked for by somebody else")
)

// RateError says that the messenger wants quiet.
type RateError struct{ After time.Duration }

func (e *RateError) Error() string { return fmt.Sprintf("chat: too many requests, wait %s", e.After) }

// UnknownOutcomeError says that a request left and no answer came: it may have
// been done or not. The Bot API has no key by which to repeat it safely.
type UnknownOutcomeError struct {
	Method string
	Err    error
}

func (e *UnknownOutcomeError) Error() string {
	return fmt.Sprintf("chat %s: outcome unknown: %v", e.Method, e.Err)
}

func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// RefusedError is any other refusal of the Bot API: our fault, as a rule.
type RefusedError struct {
	Method string
	Code   int // as HTTP has them
	Text   string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("chat %s: refused with %d: %s", e.Method, e.Code, e.Text)
}
