# The images of P2PFaaS, one a target: node (scheduler and learner in one process), learner, pigo.
#
#     docker build --target node -t p2pfaas/node .
#
# Each holds one static program, and runs it as user 65532, who needs to write nowhere but in /data. Where others reach them, a
# node wants a key or P2PFAAS_OPEN=true, and a learner P2PFAAS_LEARNER_TOKENS or P2PFAAS_LEARNER_OPEN=true.
# The build takes any image with Rust and a C compiler; programs in deploy/staged/ (deploy/stage.sh) are
# taken as they are, and then an image with a shell is enough.
ARG RUST_IMAGE=rust:1.95-slim-bookworm

FROM ${RUST_IMAGE} AS build
WORKDIR /src
COPY . .
RUN if [ -d deploy/staged ]; then cp -r deploy/staged /out; else sh deploy/build.sh /out; fi

FROM scratch AS pigo
LABEL org.opencontainers.image.title="P2PFaaS face detection" \
      org.opencontainers.image.description="Face detection as a function in the OpenFaaS contract" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/pigo-function /pigo-function
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 CMD ["/pigo-function", "--health"]
ENTRYPOINT ["/pigo-function"]

FROM scratch AS learner
LABEL org.opencontainers.image.title="P2PFaaS learner" \
      org.opencontainers.image.description="The learner of a P2PFaaS node as a service of its own" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/p2pfaas-learner /p2pfaas-learner
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV P2PFAAS_LEARNER_LISTEN=0.0.0.0:19020 P2PFAAS_DIR_DATA=/data
VOLUME /data
EXPOSE 19020 8765
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 CMD ["/p2pfaas-learner", "--health"]
ENTRYPOINT ["/p2pfaas-learner"]

FROM scratch AS node
LABEL org.opencontainers.image.title="P2PFaaS node" \
      org.opencontainers.image.description="A node of P2PFaaS: scheduler and learner" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/p2pfaas-node /p2pfaas-node
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV P2PFAAS_LISTEN=0.0.0.0:18080 P2PFAAS_DISCOVERY_LISTEN=0.0.0.0:19000 \
    P2PFAAS_LEARNER_LISTEN=0.0.0.0:19020 P2PFAAS_DATA=/data
VOLUME /data
EXPOSE 18080 18080/udp 19000 19020
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 CMD ["/p2pfaas-node", "--health"]
ENTRYPOINT ["/p2pfaas-node"]
