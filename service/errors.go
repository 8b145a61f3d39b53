package service

import (
	"errors"
	"fmt"
)

// Kind says what sort of refusal an Error is. The bot picks its tone by Kind
// (alert, repeat the question, apologise) and its words by Reason.
type Kind string

// The kinds, from the mildest to the gravest.
const (
	Invalid   Kind = "invalid"   // the input can be corrected by the person who gave it
	Forbidden Kind = "forbidden" // this person may not do this
	NotFound  Kind = "not_found" // no such thing, or none that this person may see
	Conflict  Kind = "conflict"  // the thing has moved on since the person saw it
	Internal  Kind = "internal"  // our fault; details go to the log only
)

// Reason names one refusal. Each has exactly one text per language, under the
// same key, in templates/text/<lang>/errors*.html. The constants stand beside
// the rules that give them.
type Reason string

// The reasons that belong to no subject.
const (
	ReasonNotFound  Reason = "not_found"
	ReasonForbidden Reason = "forbidden"
	ReasonMovedOn   Reason = "moved_on" // Data: see Moved
	ReasonInternal  Reason = "internal"
)

// Error is a refusal that a person is meant to see.
type Error struct {
	Kind   Kind
	Reason Reason
	Data   any   // facts for the text; may be nil
	Err    error // cause, for the log; may be nil
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Reason, e.Err)
	}
	return string(e.Reason)
}

func (e *Error) Unwrap() error { return e.Err }

// refuse builds the error that a rule returns.
func refuse(k Kind, r Reason) error { return &Error{Kind: k, Reason: r} }

// refuseWith is refuse with facts for the text.
func refuseWith(k Kind, r Reason, data any) error { return &Error{Kind: k, Reason: r, Data: data} }

// AsError returns err as an Error. Anything that is not one, a lost connection
// for example, becomes Internal: people never see a driver's words.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: Internal, Reason: ReasonInternal, Err: err}
}

// ReasonOf returns the reason of a refusal, "" for nil.
func ReasonOf(err error) Reason {
	if err == nil {
		return ""
	}
	return AsError(err).Reason
}
