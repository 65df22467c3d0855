FROM python:3.13-slim-bookworm

ENV PYTHONUTF8=1 \
    PYTHONUNBUFFERED=1 \
    RELEVAL_ENV=production \
    RELEVAL_DATA_DIR=/data \
    HOST=0.0.0.0 \
    PORT=8000

WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r requirements.lock

COPY manage.py LICENSE ./
COPY releval releval
COPY judging judging
COPY templates templates
COPY static static

# Nothing in the image is writable for who runs it; /data holds generated files.
RUN useradd --system --uid 10001 --home-dir /data releval && install -d -o releval /data
USER releval
VOLUME /data
EXPOSE 8000

# The supervisor ends everything within 10 s of SIGTERM, which is what docker stop waits.
CMD ["python", "manage.py", "serve", "--web-only"]
