// AXI4-Stream shell around the emitted HLS C++, for simulation: the ports and the handshake of the RTL top, the
// arithmetic of the C++ top function, called through DPI-C. The same bench drives both.
//
// Each instance owns its own streams. A reset drops everything that is in flight.
module mondeq_top
  import mondeq_dpi_pkg::*;
(
  input  logic                       ap_clk,
  input  logic                       ap_rst_n,
  input  logic [ InputTdataBits-1:0] s_axis_TDATA,
  input  logic                       s_axis_TVALID,
  output logic                       s_axis_TREADY,
  input  logic                       s_axis_TLAST,
  output logic [OutputTdataBits-1:0] m_axis_TDATA,
  output logic                       m_axis_TVALID,
  input  logic                       m_axis_TREADY,
  output logic                       m_axis_TLAST,
`ifdef MONDEQ_FLAGS_ENDS
  output logic                       m_axis_TUSER,
`endif
  output logic                       event_frame_o,
  input  logic                       event_clear_i
);

  import "DPI-C" function chandle mondeq_dpi_new();
  import "DPI-C" function void mondeq_dpi_delete(input chandle streams);
  import "DPI-C" function void mondeq_dpi_reset(input chandle streams);
  import "DPI-C" function bit mondeq_dpi_push(
    input chandle streams, input bit [InputTdataBits-1:0] data, input bit last
  );
  import "DPI-C" function bit mondeq_dpi_pop(
    input chandle streams, output bit [OutputTdataBits-1:0] data, output bit last, output bit user
  );
  // Room for another sample: a sink that stalls for long stalls the source too.
  import "DPI-C" function bit mondeq_dpi_ready(input chandle streams);

  chandle streams;
`ifdef MONDEQ_TRACE
  import "DPI-C" function void mondeq_dpi_trace(input chandle streams, input string path);
  string trace_path;
`endif
  initial begin
    streams = mondeq_dpi_new();
`ifdef MONDEQ_TRACE
    if ($value$plusargs("mondeq_trace=%s", trace_path)) mondeq_dpi_trace(streams, trace_path);
`endif
  end
  final mondeq_dpi_delete(streams);

  always_ff @(posedge ap_clk) begin
    bit [OutputTdataBits-1:0] data;
    bit last, user, broken;
    if (!ap_rst_n) begin
      mondeq_dpi_reset(streams);
      s_axis_TREADY <= 1'b0;
      m_axis_TVALID <= 1'b0;
      event_frame_o <= 1'b0;
    end else begin
      broken = 1'b0;
      if (s_axis_TVALID && s_axis_TREADY) broken = mondeq_dpi_push(streams, s_axis_TDATA, s_axis_TLAST);
      event_frame_o <= (event_frame_o && !event_clear_i) || broken;
      if (!m_axis_TVALID || m_axis_TREADY) begin
        if (mondeq_dpi_pop(streams, data, last, user)) begin
          m_axis_TVALID <= 1'b1;
          m_axis_TDATA  <= data;
          m_axis_TLAST  <= last;
`ifdef MONDEQ_FLAGS_ENDS
          m_axis_TUSER  <= user;
`endif
        end else begin
          m_axis_TVALID <= 1'b0;
        end
      end
      s_axis_TREADY <= mondeq_dpi_ready(streams);
    end
  end

endmodule
