// Package post carries between the messenger and the store: updates into the
// inbox and from there to whoever answers them, notices out of the outbox. It
// knows nothing of what they say.
package post

import (
	"errors"
	"fmt"
	"runtime"
)

// panicked is the error of a panic. It is logged and shown to admins, so it
// tells what the language itself says and of other values the type alone: they
// may hold anything, names too.
func panicked(value any) error {
	var fault runtime.Error
	if err, ok := value.(error); ok && errors.As(err, &fault) {
		return fmt.Errorf("panic: %w", fault)
	}
	return fmt.Errorf("panic with a value of type %T", value)
}
