/* SPDX-License-Identifier: MIT */
/*
 * The element without a camera: its factory, its states, its one clear error.
 */
#include <gst/gst.h>
#include <gtest/gtest.h>
#include <libcamera/camera_manager.h>

#include "gst_ptr.h"

namespace cmacam {
namespace {

struct Unref
{
	void operator()(GstElement *element) const
	{
		gst_element_set_state(element, GST_STATE_NULL);
		gst_object_unref(element);
	}
};
using ElementPtr = std::unique_ptr<GstElement, Unref>;

struct Errors
{
	int count = 0;
	GQuark domain = 0;
	int code = 0;
	std::string text;
};

class ElementTest : public testing::Test
{
protected:
	void SetUp() override
	{
		pipeline_.reset(gst_parse_launch("cmacamsrc name=camera ! fakesink", nullptr));
		ASSERT_TRUE(pipeline_);
		camera_.reset(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "camera"));
	}

	Errors errors()
	{
		GstBus *bus = gst_element_get_bus(pipeline_.get());
		Errors errors;

		while (GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR)) {
			GError *error;
			gst_message_parse_error(message, &error, nullptr);
			errors = {errors.count + 1, error->domain, error->code, error->message};
			g_error_free(error);
			gst_message_unref(message);
		}
		gst_object_unref(bus);

		return errors;
	}

	ElementPtr pipeline_;
	std::unique_ptr<GstElement, decltype([](GstElement *e) { gst_object_unref(e); })> camera_;
};

TEST_F(ElementTest, PropertiesAreDocumented)
{
	guint count;
	GParamSpec **specs =
		g_object_class_list_properties(G_OBJECT_GET_CLASS(camera_.get()), &count);

	for (guint i = 0; i < count; i++)
		EXPECT_NE(g_param_spec_get_blurb(specs[i]), nullptr) << specs[i]->name;
	g_free(specs);

	g_object_set(camera_.get(), "camera-name", "some camera", "num-buffers", 3, nullptr);
	gchar *name;
	g_object_get(camera_.get(), "camera-name", &name, nullptr);
	EXPECT_STREQ(StringPtr(name).get(), "some camera");
}

TEST_F(ElementTest, ReadyNeedsNoCamera)
{
	for (int i = 0; i < 20; i++) {
		EXPECT_EQ(gst_element_set_state(pipeline_.get(), GST_STATE_READY),
			  GST_STATE_CHANGE_SUCCESS);
		EXPECT_EQ(gst_element_set_state(pipeline_.get(), GST_STATE_NULL),
			  GST_STATE_CHANGE_SUCCESS);
	}
	EXPECT_EQ(errors().count, 0);
}

TEST_F(ElementTest, NoCameraIsOneClearError)
{
	EXPECT_EQ(gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING),
		  GST_STATE_CHANGE_FAILURE);

	const Errors errors = this->errors();
	EXPECT_EQ(errors.count, 1);
	EXPECT_EQ(errors.domain, GST_RESOURCE_ERROR);
	EXPECT_EQ(errors.code, GST_RESOURCE_ERROR_NOT_FOUND);
	EXPECT_EQ(errors.text.find("No cmacam camera found: "), 0u) << errors.text;

	EXPECT_EQ(gst_element_set_state(pipeline_.get(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
}

TEST_F(ElementTest, AnUnknownNameIsRepeatedInTheError)
{
	g_object_set(camera_.get(), "camera-name", "left eye", nullptr);
	EXPECT_EQ(gst_element_set_state(pipeline_.get(), GST_STATE_PAUSED),
		  GST_STATE_CHANGE_FAILURE);

	const Errors errors = this->errors();
	EXPECT_EQ(errors.code, GST_RESOURCE_ERROR_NOT_FOUND);
	EXPECT_NE(errors.text.find("'left eye'"), std::string::npos) << errors.text;
}

TEST_F(ElementTest, AnotherUserOfLibcameraIsBusyNotAnAbort)
{
	{
		const libcamera::CameraManager foreign;
		EXPECT_EQ(gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING),
			  GST_STATE_CHANGE_FAILURE);
	}

	const Errors errors = this->errors();
	EXPECT_EQ(errors.count, 1);
	EXPECT_EQ(errors.domain, GST_RESOURCE_ERROR);
	EXPECT_EQ(errors.code, GST_RESOURCE_ERROR_BUSY);
}

TEST_F(ElementTest, LatencyIsUnknownBeforeNegotiation)
{
	GstQuery *query = gst_query_new_latency();
	EXPECT_FALSE(gst_element_query(camera_.get(), query));
	gst_query_unref(query);
}

TEST_F(ElementTest, CapsWithoutACameraAreTheTemplate)
{
	GstPad *pad = gst_element_get_static_pad(camera_.get(), "src");
	const CapsPtr caps(gst_pad_query_caps(pad, nullptr));
	const CapsPtr all(gst_pad_get_pad_template_caps(pad));
	gst_object_unref(pad);

	EXPECT_TRUE(gst_caps_is_equal(caps.get(), all.get()));
}

} /* namespace */
} /* namespace cmacam */
