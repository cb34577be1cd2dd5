"""The pages reviewers work with: server-rendered, readable without JavaScript, nothing loaded from outside."""
