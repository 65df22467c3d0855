from tests.engines.scripted_engine import engine, engine_server

__all__ = ["engine", "engine_server"]
