package emulator

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Drop tells when a connection is cut.
type Drop int

// The moments at which a connection can be cut.
const (
	DropNever  Drop = iota
	DropBefore      // before the call is executed: nothing has happened
	DropAfter       // after it was executed: the bot cannot know
)

// Fault is something that goes wrong with calls of the bot. The zero values of
// Method and Chat fit every call; getUpdates only when it is named.
type Fault struct {
	Method string // such as sendMessage; "download" for the bytes of a file
	Chat   int64  // the chat_id of the call
	Skip   int    // calls that pass before the first that fails
	Times  int    // calls that fail; 0 is 1, a negative number is all until Clear

	Status      int    // the answer's error_code and HTTP status
	Description string // words for Status; Telegram's usual words when empty
	RetryAfter  int    // seconds, with 429
	Body        string // an answer that is not JSON, with Status or 200
	Drop        Drop
	Delay       time.Duration // before the answer
}

// Inject makes the next fitting calls fail. The oldest fitting fault acts.
func (s *Server) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	s.faults = append(s.faults, &f)
	if f.Method == "getUpdates" && f.Drop == DropBefore && s.inbox.poller != nil {
		// The poll that is under way is cut too, else it would bring one more
		// update over a connection that is lost.
		s.inbox.cut = true
		close(s.inbox.poller)
		s.inbox.poller = nil
	}
	s.showFaults()
}

// InjectRepeat lets each of the next n updates come a second time under a new
// number.
func (s *Server) InjectRepeat(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inbox.again = n
}

// ClearFaults ends all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.inbox.again = nil, 0
	s.showFaults()
}

// fault takes the fault that the call meets, or nil.
func (s *Server) fault(method string, c *call) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Method != method && (f.Method != "" || method == "getUpdates") || f.Chat != 0 && f.Chat != c.chat() {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		taken := *f
		if f.Times > 0 {
			f.Times--
			if f.Times == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
				s.showFaults()
			}
		}
		return &taken
	}
	return nil
}

func (f *Fault) String() string {
	switch f.Drop {
	case DropBefore:
		return "fault: cut before"
	case DropAfter:
		return "fault: cut after"
	case DropNever:
	}
	return "fault: " + strconv.Itoa(f.Status)
}

// usualWords are Telegram's descriptions of its errors.
var usualWords = map[int]string{
	http.StatusBadRequest:          "Bad Request: chat not found",
	http.StatusUnauthorized:        "Unauthorized",
	http.StatusForbidden:           "Forbidden: bot was blocked by the user",
	http.StatusNotFound:            "Not Found",
	http.StatusConflict:            "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
	http.StatusInternalServerError: "Internal Server Error",
	http.StatusBadGateway:          "Bad Gateway",
}

// acts reports whether the fault takes the place of the call.
func (f *Fault) acts() bool {
	return f != nil && (f.Drop == DropBefore || f.Status != 0 || f.Body != "")
}

// wait holds a call up that is executed all the same.
func (f *Fault) wait(ctx context.Context) {
	if f != nil && f.Delay > 0 {
		pause(ctx, f.Delay)
	}
}

// act takes the place of the call.
func (f *Fault) act(ctx context.Context, w http.ResponseWriter) {
	f.wait(ctx)
	if f.Drop == DropBefore {
		panic(http.ErrAbortHandler) // the way of net/http to cut a connection
	}
	status := f.Status
	if status == 0 {
		status = http.StatusOK
	}
	if f.Body != "" {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(f.Body))
		return
	}
	words := f.Description
	if words == "" {
		words = usualWords[status]
	}
	e := envelope{ErrorCode: status, Description: words}
	if status == http.StatusTooManyRequests {
		e.Parameters = &retryAfter{f.RetryAfter}
		if words == "" {
			e.Description = "Too Many Requests: retry after " + strconv.Itoa(f.RetryAfter)
		}
	}
	writeEnvelope(w, status, e)
}

// after acts once the call was executed.
func (f *Fault) after() {
	if f.cut() {
		panic(http.ErrAbortHandler)
	}
}

func (f *Fault) cut() bool { return f != nil && f.Drop == DropAfter }
