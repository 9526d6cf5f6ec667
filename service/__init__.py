"""The domain. It knows no transport: nothing here imports a door, FastAPI or Strawberry."""
