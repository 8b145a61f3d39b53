package emulator

import (
	"net/http"
	"time"
)

// hub sends what changes to the open pages.
type hub struct{}

// callLog is the newest calls of the bot.
type callLog struct{}

func (s *Server) routePage() {
	s.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
}

func (s *Server) record(method string, c *call, outcome string, begun time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[method]++
	s.touch()
}

func (s *Server) showMessage(*chat, *message)                 {}
func (s *Server) showTyping(*chat)                            {}
func (s *Server) showToast(*chat, string, bool)               {}
func (s *Server) showAnswered(*chat, string)                  {}
func (s *Server) showPressed(*chat, *message, string, string) {}
func (s *Server) showCommands()                               {}
func (s *Server) showPhone(*Phone)                            {}
