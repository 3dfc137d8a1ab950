# One image for every command of the platform; what runs is the command's argument.

FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements.txt ./
RUN python -m venv /opt/telemetry \
 && /opt/telemetry/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY . .
RUN /opt/telemetry/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim
# A number, not a name: Kubernetes' runAsNonRoot can check it.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin telemetry \
 && install -d -o 10001 -g 10001 /var/lib/telemetry /exports
COPY --from=build /opt/telemetry /opt/telemetry
ENV PATH=/opt/telemetry/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TELEMETRY_HOME=/var/lib/telemetry
USER 10001
WORKDIR /var/lib/telemetry
ENTRYPOINT ["telemetry"]
CMD ["--help"]
